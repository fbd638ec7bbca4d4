/* A wall clock that a test sets for some processes: LD_PRELOAD, and SHIFTED_CLOCK names a file of eight bytes, the
   seconds (signed, little-endian) that are added to every reading of CLOCK_REALTIME. The monotonic clock stays. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static volatile long *shift;

__attribute__((constructor)) static void open_clock(void) {
    static long none = 0;
    const char *path = getenv("SHIFTED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    shift = map == MAP_FAILED ? &none : map;
}
static long by(void) { return shift ? *shift : 0; }

int clock_gettime(clockid_t clock, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(clock, t);
    if (!r && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) t->tv_sec += by();
    return r;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone) {
    struct timespec now;
    int r = clock_gettime(CLOCK_REALTIME, &now);
    { t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000; }
    return r;
}
time_t time(time_t *t) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (t) *t = now.tv_sec;
    return now.tv_sec;
}

typedef int Wait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

/* As the kernel does it: whoever waits until a moment of the clock waits longer when that is set back meanwhile. */
static int wait_until(Wait *real, pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until, int timed_out) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (until->tv_sec < now.tv_sec + 100000000) return real(c, m, until);
    for (;;) {
        clock_gettime(CLOCK_REALTIME, &now);
        double left = (until->tv_sec - now.tv_sec) + (until->tv_nsec - now.tv_nsec) / 1e9;
        if (left <= 0) left = 0;
        if (left > 0.05) left = 0.05;
        struct timespec end = {now.tv_sec - by(), now.tv_nsec + (long)(left * 1e9)};
        if (end.tv_nsec >= 1000000000) { end.tv_sec++; end.tv_nsec -= 1000000000; }
        int r = real(c, m, &end);
        if (r != timed_out) return r;
        clock_gettime(CLOCK_REALTIME, &now);
        if (now.tv_sec > until->tv_sec || (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec)) return r;
    }
}
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until) {
    static Wait *real;
    if (!real) real = (Wait *)dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    return wait_until(real, c, m, until, ETIMEDOUT);
}
int cnd_timedwait(cnd_t *restrict c, mtx_t *restrict m, const struct timespec *restrict until) {
    static Wait *real;
    if (!real) real = (Wait *)dlsym(RTLD_NEXT, "cnd_timedwait");
    return wait_until(real, (pthread_cond_t *)c, (pthread_mutex_t *)m, until, thrd_timedout);
}
