#include "flows.h"

struct flow flow4(void)
{
	return (struct flow){ .source = address_parse("10.20.0.10"),
			      .target = address_parse("20.99.0.4"),
			      .port = 22,
			      .local_first = 61000,
			      .local_last = 64999,
			      .interface = "eth0",
			      .uid = 1000 };
}

struct flow flow6(void)
{
	struct flow flow = flow4();
	flow.source = address_parse("2001:db8:20::10");
	flow.target = address_parse("2001:db8:99::4");
	return flow;
}
