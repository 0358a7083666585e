/* Preloaded where the kernel has no /dev/udmabuf and no DMA heap: a descriptor of plain shared
 * memory does for a buffer's. Opening a provider of buffers succeeds; asked for one, it gives a
 * memfd; and synchronising a memfd with devices, of which there are none, succeeds too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static int is_provider(const char *path)
{
	return path && (!strcmp(path, "/dev/udmabuf") || !strncmp(path, "/dev/dma_heap/", 14));
}

#define OPEN(name)                                                                  \
	int name(const char *path, int flags, ...)                                  \
	{                                                                           \
		int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);      \
		va_list rest;                                                       \
		va_start(rest, flags);                                              \
		mode_t mode = va_arg(rest, mode_t);                                 \
		va_end(rest);                                                       \
		return is_provider(path) ? memfd_create("provider", MFD_CLOEXEC)    \
					 : next(path, flags, mode);                 \
	}

OPEN(open)
OPEN(open64)

int ioctl(int fd, unsigned long request, ...)
{
	int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);

	if (request == UDMABUF_CREATE)
		return fcntl(((struct udmabuf_create *)argument)->memfd, F_DUPFD_CLOEXEC, 0);
	if (request == DMA_HEAP_IOCTL_ALLOC) {
		struct dma_heap_allocation_data *wanted = argument;
		int memory = memfd_create("buffer", MFD_CLOEXEC);
		if (memory < 0 || ftruncate(memory, wanted->len))
			return -1;
		wanted->fd = memory;
		return 0;
	}
	if (request == DMA_BUF_IOCTL_SYNC || request == DMA_BUF_SET_NAME_A ||
	    request == DMA_BUF_SET_NAME_B)
		return 0;
	return next(fd, request, argument);
}
