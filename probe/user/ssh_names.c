#include "user/ssh_names.h"

#include <ctype.h>
#include <string.h>

bool ssh_takes_host(const char *host)
{
	if (host[0] == '-' || host[strcspn(host, "'`\"$\\;&<>|(){}")] != '\0')
		return false;
	for (; *host != '\0'; host++)
		if (isspace((unsigned char)*host) || iscntrl((unsigned char)*host))
			return false;
	return true;
}

/* Names of Windows ("DOMAIN\ann lee") may be had. */
bool ssh_takes_user(const char *user)
{
	if (user[0] == '-' || user[strcspn(user, "'`\";&<>|(){}")] != '\0')
		return false;
	for (; *user != '\0'; user++)
		if (iscntrl((unsigned char)*user) ||
		    (isspace((unsigned char)*user) && user[1] == '-') ||
		    (*user == '\\' && user[1] == '\0'))
			return false;
	return true;
}
