/* Writes down what a process does to the files of one folder, in the order in which it is done; loaded by LD_PRELOAD.

   A record is a line "OPERATION NAME OFFSET LENGTH", and for a write the bytes after it. Operations: C created, W written,
   T truncated, S synced, U unlinked. The folder itself is named ".". What is shared by memory (-shm) is left out: no disk keeps it.
   POWERCUT_FOLDER is the folder, POWERCUT_LOG the file that is written. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096

static char *folder, *names[FILES];
static int told = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static const char *name_of(const char *path) {
    if (!folder) {
        const char *log = getenv("POWERCUT_LOG");
        folder = getenv("POWERCUT_FOLDER");
        if (!folder || !log) { folder = "\n"; return NULL; }
        int (*opens)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
        told = opens(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    size_t length = strlen(folder);
    if (strncmp(path, folder, length)) return NULL;
    if (!path[length]) return ".";
    if (path[length] != '/' || strchr(path + length + 1, '/')) return NULL;
    const char *name = path + length + 1, *end = strrchr(name, '-');
    return end && !strcmp(end, "-shm") ? NULL : name;
}

static void tell(char what, const char *name, long long offset, const void *data, size_t length) {
    char line[600];
    int size = snprintf(line, sizeof line, "%c %s %lld %zu\n", what, name, offset, length);
    struct iovec parts[2] = {{line, size}, {(void *)data, length}};
    if (writev(told, parts, data ? 2 : 1) < 0) abort();
}

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    const char *name = name_of(path);
    if (!name) return real(path, flags, mode);
    pthread_mutex_lock(&turn);
    int new = (flags & O_CREAT) && access(path, F_OK);
    int file = real(path, flags, mode);
    if (file >= 0 && file < FILES) {
        free(names[file]);
        names[file] = strdup(name);
        if (new) tell('C', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&turn);
    return file;
}

#define OPENS(function) \
    int function(const char *path, int flags, ...) { \
        REAL(int, #function, const char *, int, ...); \
        va_list more; va_start(more, flags); mode_t mode = va_arg(more, int); va_end(more); \
        return opened(real, path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

static const char *named(int file) { return file >= 0 && file < FILES ? names[file] : NULL; }

#define WRITES(function, offset_type) \
    ssize_t function(int file, const void *data, size_t length, offset_type offset) { \
        REAL(ssize_t, #function, int, const void *, size_t, offset_type); \
        if (!named(file)) return real(file, data, length, offset); \
        pthread_mutex_lock(&turn); \
        ssize_t done = real(file, data, length, offset); \
        if (done > 0) tell('W', named(file), offset, data, done); \
        pthread_mutex_unlock(&turn); \
        return done; \
    }
WRITES(pwrite, off_t)
WRITES(pwrite64, off64_t)

ssize_t write(int file, const void *data, size_t length) {
    REAL(ssize_t, "write", int, const void *, size_t);
    if (!named(file)) return real(file, data, length);
    pthread_mutex_lock(&turn);
    off_t offset = lseek(file, 0, SEEK_CUR);
    ssize_t done = real(file, data, length);
    if (done > 0) tell('W', named(file), offset, data, done);
    pthread_mutex_unlock(&turn);
    return done;
}

#define TRUNCATES(function, offset_type) \
    int function(int file, offset_type size) { \
        REAL(int, #function, int, offset_type); \
        if (!named(file)) return real(file, size); \
        pthread_mutex_lock(&turn); \
        int failed = real(file, size); \
        if (!failed) tell('T', named(file), size, NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return failed; \
    }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

#define SYNCS(function) \
    int function(int file) { \
        REAL(int, #function, int); \
        if (!named(file)) return real(file); \
        pthread_mutex_lock(&turn); \
        int failed = real(file); \
        if (!failed) tell('S', named(file), 0, NULL, 0); \
        pthread_mutex_unlock(&turn); \
        return failed; \
    }
SYNCS(fsync)
SYNCS(fdatasync)

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    const char *name = name_of(path);
    if (!name) return real(path);
    pthread_mutex_lock(&turn);
    int failed = real(path);
    if (!failed) tell('U', name, 0, NULL, 0);
    pthread_mutex_unlock(&turn);
    return failed;
}

int close(int file) {
    REAL(int, "close", int);
    if (!named(file)) return real(file);
    pthread_mutex_lock(&turn);
    free(names[file]);
    names[file] = NULL;
    int failed = real(file);
    pthread_mutex_unlock(&turn);
    return failed;
}
