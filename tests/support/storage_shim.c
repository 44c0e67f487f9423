/* Makes the nth storage call below one folder fail, or the process end at it. Preloaded; tests/support/storage.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPENS = 1, WRITES = 2, SYNCS = 4, NAMES = 8, READS = 16 };

static char below[PATH_MAX];
static int is_armed, kinds, failure, stays, has_struck;
static long left, calls;
static unsigned char ours[4096];

void storage_watch(const char *folder) { snprintf(below, sizeof below, "%s", folder); }
void storage_arm(long nth, int error, int which, int sticky) {
    left = nth; failure = error; kinds = which; stays = sticky; has_struck = 0; calls = 0; is_armed = 1;
}
long storage_disarm(void) { is_armed = 0; return calls; }
int storage_struck(void) { return has_struck; }

static int is_below(const char *path) {
    return below[0] && path && strncmp(path, below, strlen(below)) == 0;
}
static int strikes(int kind) {
    if (!is_armed || !(kinds & kind)) return 0;
    calls++;
    if (!(left-- == 0 || (stays && has_struck))) return 0;
    has_struck = 1;
    if (failure == 0) kill(getpid(), SIGKILL);
    errno = failure;
    return 1;
}
static int is_ours(int fd) { return fd >= 0 && fd < (int)sizeof ours && ours[fd]; }
static int keep(int fd, int yes) {
    if (fd >= 0 && fd < (int)sizeof ours) ours[fd] = yes;
    return fd;
}
#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        int yes = is_below(path); \
        if (yes && strikes(OPENS)) return -1; \
        return keep(real(path, flags, mode), yes); \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        int yes = is_below(path); \
        if (yes && strikes(OPENS)) return -1; \
        return keep(real(folder, path, flags, mode), yes); \
    }
OPENAT(openat)
OPENAT(openat64)
int close(int fd) {
    REAL(int, "close", int);
    keep(fd, 0);
    return real(fd);
}
#define ON_FILE(type, name, kind, parameters, arguments, ...) \
    type name parameters { \
        REAL(type, #name, __VA_ARGS__); \
        if (is_ours(fd) && strikes(kind)) return -1; \
        return real arguments; \
    }
ON_FILE(ssize_t, write, WRITES, (int fd, const void *b, size_t n), (fd, b, n), int, const void *, size_t)
ON_FILE(ssize_t, pwrite, WRITES, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), int, const void *, size_t, off_t)
ON_FILE(ssize_t, pwrite64, WRITES, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), int, const void *, size_t, off_t)
ON_FILE(ssize_t, writev, WRITES, (int fd, const struct iovec *v, int n), (fd, v, n), int, const struct iovec *, int)
ON_FILE(int, ftruncate, WRITES, (int fd, off_t n), (fd, n), int, off_t)
ON_FILE(int, ftruncate64, WRITES, (int fd, off_t n), (fd, n), int, off_t)
ON_FILE(int, fsync, SYNCS, (int fd), (fd), int)
ON_FILE(int, fdatasync, SYNCS, (int fd), (fd), int)
ON_FILE(ssize_t, read, READS, (int fd, void *b, size_t n), (fd, b, n), int, void *, size_t)
ON_FILE(ssize_t, pread, READS, (int fd, void *b, size_t n, off_t o), (fd, b, n, o), int, void *, size_t, off_t)
ON_FILE(ssize_t, pread64, READS, (int fd, void *b, size_t n, off_t o), (fd, b, n, o), int, void *, size_t, off_t)
#define ON_NAME(name, parameters, path, arguments, ...) \
    int name parameters { \
        REAL(int, #name, __VA_ARGS__); \
        if (is_below(path) && strikes(NAMES)) return -1; \
        return real arguments; \
    }
ON_NAME(rename, (const char *a, const char *b), b, (a, b), const char *, const char *)
ON_NAME(renameat, (int f, const char *a, int g, const char *b), b, (f, a, g, b), int, const char *, int, const char *)
ON_NAME(unlink, (const char *a), a, (a), const char *)
ON_NAME(unlinkat, (int f, const char *a, int n), a, (f, a, n), int, const char *, int)
ON_NAME(mkdir, (const char *a, mode_t m), a, (a, m), const char *, mode_t)
ON_NAME(rmdir, (const char *a), a, (a), const char *)
