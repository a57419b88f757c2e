// SPDX-License-Identifier: Apache-2.0
/* A library that looks like libssl to a probe and does nothing: what is measured is the probe. */
int SSL_write(void *ssl, const void *buf, int n);
int SSL_read(void *ssl, void *buf, int n);

__attribute__((noinline, noclone)) int SSL_write(void *ssl, const void *buf, int n)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buf) : "memory");
	return n;
}

/* Never called; sslsniff wants to find it. */
__attribute__((noinline, noclone)) int SSL_read(void *ssl, void *buf, int n)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buf) : "memory");
	return n;
}
