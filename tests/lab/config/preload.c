/*
 * A library for LD_PRELOAD: connect() to TCP port 22 goes to port 1080 of this machine instead,
 * as proxychains and tsocks do with their proxy.
 */
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(1080) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(1080) };
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.sin6_addr = in6addr_loopback;
	if (address->sa_family == AF_INET &&
	    ((const struct sockaddr_in *)address)->sin_port == htons(22))
		return real(fd, (struct sockaddr *)&v4, sizeof(v4));
	if (address->sa_family == AF_INET6 &&
	    ((const struct sockaddr_in6 *)address)->sin6_port == htons(22))
		return real(fd, (struct sockaddr *)&v6, sizeof(v6));
	return real(fd, address, length);
}
