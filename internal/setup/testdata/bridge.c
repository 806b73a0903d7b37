// Preloaded into the original drbdsetup, this lets it reach a module without a
// kernel: its netlink socket becomes a connection to the unix socket at $BRIDGE,
// which carries the same messages. A regular file at $BRIDGE_DISK counts as a block
// device.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int bridge = -1;

int socket(int domain, int type, int protocol)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (domain != AF_NETLINK)
		return NEXT(socket)(domain, type, protocol);
	strncpy(to.sun_path, getenv("BRIDGE"), sizeof(to.sun_path) - 1);
	bridge = NEXT(socket)(AF_UNIX, SOCK_SEQPACKET, 0);
	return connect(bridge, (struct sockaddr *)&to, sizeof(to)) ? -1 : bridge;
}

int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return fd == bridge ? 0 : NEXT(bind)(fd, addr, len);
}

// The peer calls every client by its own process id.
int getsockname(int fd, struct sockaddr *restrict addr, socklen_t *restrict len)
{
	struct sockaddr_nl us = { .nl_family = AF_NETLINK, .nl_pid = atoi(getenv("BRIDGE_PID")) };

	if (fd != bridge)
		return NEXT(getsockname)(fd, addr, len);
	memcpy(addr, &us, *len < sizeof(us) ? *len : sizeof(us));
	*len = sizeof(us);
	return 0;
}

// Joining a group is a message of type noop.
int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct { struct nlmsghdr head; unsigned int group; } join = {
		{ .nlmsg_len = sizeof(join), .nlmsg_type = NLMSG_NOOP, .nlmsg_flags = NLM_F_REQUEST }, 0,
	};

	if (fd != bridge || level != SOL_NETLINK)
		return NEXT(setsockopt)(fd, level, name, value, len);
	if (name == NETLINK_ADD_MEMBERSHIP) {
		memcpy(&join.group, value, sizeof(join.group));
		send(fd, &join, sizeof(join), 0);
	}
	return 0;
}

// All messages come from the kernel, and one of type overrun is an error.
ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *head = m->msg_iov[0].iov_base;
	ssize_t n;

	if (fd != bridge)
		return NEXT(recvmsg)(fd, m, flags);
	n = NEXT(recvmsg)(fd, m, flags);
	if (m->msg_name)
		memcpy(m->msg_name, &kernel, sizeof(kernel));
	m->msg_namelen = sizeof(kernel);
	if (n >= (ssize_t)sizeof(*head) && m->msg_iov[0].iov_len >= sizeof(*head) && head->nlmsg_type == NLMSG_OVERRUN) {
		errno = ENOBUFS;
		return -1;
	}
	return n;
}

static int as_device(int fd, struct stat *st, int result)
{
	struct stat disk;

	if (!result && !stat(getenv("BRIDGE_DISK"), &disk) && disk.st_ino == st->st_ino)
		st->st_mode = (st->st_mode & ~S_IFMT) | S_IFBLK;
	return result;
}

int fstat(int fd, struct stat *st) { return as_device(fd, st, NEXT(fstat)(fd, st)); }

int fstat64(int fd, struct stat64 *st) { return as_device(fd, (struct stat *)st, NEXT(fstat64)(fd, st)); }
