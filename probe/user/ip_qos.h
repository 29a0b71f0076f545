/* ip_qos: what ssh's IPQoS marks its packets with. */
#ifndef PROBE_USER_IP_QOS_H
#define PROBE_USER_IP_QOS_H

#include <stdint.h>

/* The byte (IPv4's ToS, IPv6's traffic class) of the first of IPQoS' one or two words, which is
 * that of interactive sessions: ssh sets it before it connects. 0: none, or a word that is not
 * known. */
uint8_t ip_qos_mark(const char *ip_qos);

#endif
