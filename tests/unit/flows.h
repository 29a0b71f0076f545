/* flows: the connections that the tests of firewall rules ask about. */
#ifndef UNIT_FLOWS_H
#define UNIT_FLOWS_H

#include "firewall/rules.h"

/* From 10.20.0.10, or 2001:db8:20::10, by eth0 to port 22 of the VM, as user 1000. */
struct flow flow4(void);
struct flow flow6(void);

#endif
