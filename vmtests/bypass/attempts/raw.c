// SPDX-License-Identifier: Apache-2.0
/* Packets of one's own making.
 *	raw HOW ADDRESS PORT
 * HOW: icmp, ping (both: an echo that carries the token), header (a datagram with its IP header),
 * packet, packet-bypass (the same as a frame, below the IP layer), xdp */
#include "attempt.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#define SOURCE_PORT 7999

static unsigned short sum(const void *data, size_t len)
{
	const unsigned short *p = data;
	unsigned int s = 0;

	for (; len > 1; len -= 2)
		s += *p++;
	if (len)
		s += *(const unsigned char *)p;
	s = (s >> 16) + (s & 0xffff);
	s += s >> 16;
	return (unsigned short)~s;
}

static int echo(int fd, const struct target *t)
{
	char packet[256] = {0};
	struct icmphdr *h = (struct icmphdr *)packet;
	size_t n = sizeof(*h) + attempt_line(packet + sizeof(*h), sizeof(packet) - sizeof(*h));

	h->type = ICMP_ECHO;
	h->un.echo.id = htons((unsigned short)getpid());
	h->checksum = sum(packet, n);
	if (sendto(fd, packet, n, 0, (const struct sockaddr *)&t->address, t->len) < 0)
		return attempt_refused("sendto");
	for (int i = 0; i < 8; i++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got = poll(&p, 1, ATTEMPT_WAIT_MS) == 1
				      ? recv(fd, packet, sizeof(packet) - 1, 0)
				      : -1;

		if (got < 0)
			break;
		if (memmem(packet, (size_t)got, attempt_token(), strlen(attempt_token()))) {
			printf("through: echo\n");
			return THROUGH;
		}
	}
	errno = ETIMEDOUT;
	return attempt_refused("echo");
}

/* An IP packet with a datagram that says the token; returns its length. */
static size_t datagram(char *packet, const struct target *t)
{
	const struct sockaddr_in *to = (const struct sockaddr_in *)&t->address;
	struct iphdr *ip = (struct iphdr *)packet;
	struct udphdr *udp = (struct udphdr *)(ip + 1);
	size_t n = sizeof(*ip) + sizeof(*udp);
	struct in_addr from;

	n += attempt_line((char *)(udp + 1), 200);
	/* this host is .1 in each network of the test world */
	from.s_addr = (to->sin_addr.s_addr & htonl(0xffffff00)) | htonl(1);
	*ip = (struct iphdr){.version = 4,
			     .ihl = 5,
			     .ttl = 64,
			     .protocol = IPPROTO_UDP,
			     .saddr = from.s_addr,
			     .daddr = to->sin_addr.s_addr};
	ip->tot_len = htons((unsigned short)n);
	ip->check = sum(ip, sizeof(*ip));
	*udp = (struct udphdr){.source = htons(SOURCE_PORT), .dest = to->sin_port};
	udp->len = htons((unsigned short)(n - sizeof(*ip)));
	return n;
}

/* The answer goes to a port that nobody has; that the token arrived is in the host's list. */
static int arrived(void)
{
	char line[512];

	for (int i = 0; i < 60; i++) {
		FILE *f = fopen("/run/bypass/arrivals", "re");

		while (f && fgets(line, sizeof(line), f)) {
			if (strstr(line, attempt_token())) {
				printf("through: %s", line);
				fclose(f);
				return THROUGH;
			}
		}
		if (f)
			fclose(f);
		usleep(50000);
	}
	errno = ETIMEDOUT;
	return attempt_refused("arrival");
}

static int frame(const struct target *t, int bypass)
{
	struct ethhdr *eth;
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	struct ifreq r = {0};
	char packet[512] = {0};
	int fd, one = 1;
	size_t n;

	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	if (fd < 0)
		return attempt_refused("socket");
	if (bypass && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		return attempt_setup("PACKET_QDISC_BYPASS");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "blocked");
	if (ioctl(fd, SIOCGIFHWADDR, &r))
		return attempt_setup("SIOCGIFHWADDR");
	eth = (struct ethhdr *)packet;
	memcpy(eth->h_source, r.ifr_hwaddr.sa_data, 6);
	/* to everybody on the wire: there is one other */
	memset(eth->h_dest, 0xff, 6);
	eth->h_proto = htons(ETH_P_IP);
	n = sizeof(*eth) + datagram(packet + sizeof(*eth), t);
	to.sll_ifindex = (int)if_nametoindex("blocked");
	if (sendto(fd, packet, n, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return attempt_refused("sendto");
	return arrived();
}

static int xdp(void)
{
	size_t size = 16 * 4096;
	/* cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous mapping has */
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xdp_umem_reg umem = {
		.addr = (unsigned long)area, .len = size, .chunk_size = 4096, .headroom = 0};
	int fd = socket(AF_XDP, SOCK_RAW, 0);

	if (fd < 0)
		return attempt_refused("socket");
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)))
		return attempt_setup("XDP_UMEM_REG");
	printf("through: a socket of AF_XDP with its memory\n");
	return THROUGH;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct target t;
	char packet[512] = {0};
	size_t n;
	int fd;

	if (argc != 4 || attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	if (strcmp(how, "xdp") == 0)
		return xdp();
	if (strncmp(how, "packet", 6) == 0)
		return frame(&t, strcmp(how, "packet-bypass") == 0);
	if (strcmp(how, "ping") == 0)
		fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	else
		fd = socket(AF_INET, SOCK_RAW, strcmp(how, "icmp") ? IPPROTO_RAW : IPPROTO_ICMP);
	if (fd < 0)
		return attempt_refused("socket");
	if (strcmp(how, "header"))
		return echo(fd, &t);
	n = datagram(packet, &t);
	if (sendto(fd, packet, n, 0, (struct sockaddr *)&t.address, t.len) < 0)
		return attempt_refused("sendto");
	return arrived();
}
