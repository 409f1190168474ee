#include "rules.h"

#include <errno.h>
#include <string.h>

enum kind { OBJECT, FUNCTION, PYTHON, KINDS };
static const char *const kind_names[KINDS] = {"object", "function", "python"};

struct rule {
    uint8_t bucket, kind;
    const char *pattern;
};

struct assess_rules {
    struct assess_pool pool;
    struct rule *own; /* of the user's file */
    size_t count, room;
};

#define INTERPRETER_OBJECT(p) {ASSESS_INTERPRETER, OBJECT, p}
#define COMPUTE_OBJECT(p)     {ASSESS_COMPUTE, OBJECT, p}
#define COPY_OBJECT(p)        {ASSESS_MARSHALLING, OBJECT, p}
#define IO_OBJECT(p)          {ASSESS_IO, OBJECT, p}
#define DEVICE_OBJECT(p)      {ASSESS_DEVICE_WAIT, OBJECT, p}
#define COPY_FUNCTION(p)      {ASSESS_MARSHALLING, FUNCTION, p}
#define IO_FUNCTION(p)        {ASSESS_IO, FUNCTION, p}
#define COPY_PYTHON(p)        {ASSESS_MARSHALLING, PYTHON, p}
#define IDLE_PYTHON(p)        {ASSESS_IDLE, PYTHON, p}

/* Later rows win. */
static const struct rule built_in[] = {
    /* Libraries that compute, above all those with threads of their own: a thread that waits inside
     * of one waits for its workers to compute. */
    COMPUTE_OBJECT("lib*blas*.so*"),
    COMPUTE_OBJECT("libmkl*"),
    COMPUTE_OBJECT("libblis*"),
    COMPUTE_OBJECT("liblapack*"),
    COMPUTE_OBJECT("libgomp*"),
    COMPUTE_OBJECT("libomp*.so*"),
    COMPUTE_OBJECT("libiomp*"),
    COMPUTE_OBJECT("libtbb*"),
    COMPUTE_OBJECT("libgfortran*"),
    COMPUTE_OBJECT("libquadmath*"),
    COMPUTE_OBJECT("*onnxruntime*"),
    COMPUTE_OBJECT("libtorch*"),
    COMPUTE_OBJECT("libc10*"),
    COMPUTE_OBJECT("libshm*"),
    COMPUTE_OBJECT("libdnnl*"),
    COMPUTE_OBJECT("libxsmm*"),
    COMPUTE_OBJECT("libtensorflow*"),
    COMPUTE_OBJECT("_pywrap_tensorflow*"),
    COMPUTE_OBJECT("*tflite*"),
    COMPUTE_OBJECT("libopenvino*"),
    COMPUTE_OBJECT("libjax*"),
    COMPUTE_OBJECT("xla_extension*"),
    COMPUTE_OBJECT("libashore*"),
    COMPUTE_OBJECT("libxgboost*"),
    COMPUTE_OBJECT("lib_lightgbm*"),
    COMPUTE_OBJECT("libllama*"),
    COMPUTE_OBJECT("libggml*"),
    COMPUTE_OBJECT("libctranslate2*"),
    COMPUTE_OBJECT("libsentencepiece*"),
    COMPUTE_OBJECT("_sentencepiece*"),
    COMPUTE_OBJECT("tokenizers.*"),
    COMPUTE_OBJECT("_multiarray_umath*"),
    COMPUTE_OBJECT("_umath_linalg*"),
    COMPUTE_OBJECT("_pocketfft_umath*"),
    COMPUTE_OBJECT("cv2*"),
    COMPUTE_OBJECT("libopencv*"),
    COMPUTE_OBJECT("_imaging*"),
    COMPUTE_OBJECT("libjpeg*"),
    COMPUTE_OBJECT("libpng*"),
    COMPUTE_OBJECT("libav*"),
    COMPUTE_OBJECT("libswscale*"),
    COMPUTE_OBJECT("libswresample*"),
    COMPUTE_OBJECT("libarrow*"),
    COMPUTE_OBJECT("polars*"),
    COMPUTE_OBJECT("libnumba*"),
    COMPUTE_OBJECT("libsleef*"),
    /* Glue: modules of the interpreter that happen to be files, and ways to call C. */
    INTERPRETER_OBJECT("_asyncio.*"),
    INTERPRETER_OBJECT("_queue.*"),
    INTERPRETER_OBJECT("_bisect.*"),
    INTERPRETER_OBJECT("_contextvars.*"),
    INTERPRETER_OBJECT("_datetime.*"),
    INTERPRETER_OBJECT("_decimal.*"),
    INTERPRETER_OBJECT("_functools.*"),
    INTERPRETER_OBJECT("_heapq.*"),
    INTERPRETER_OBJECT("_lsprof.*"),
    INTERPRETER_OBJECT("_opcode.*"),
    INTERPRETER_OBJECT("_random.*"),
    INTERPRETER_OBJECT("_statistics.*"),
    INTERPRETER_OBJECT("_typing.*"),
    INTERPRETER_OBJECT("_uuid.*"),
    INTERPRETER_OBJECT("_zoneinfo.*"),
    INTERPRETER_OBJECT("array.*"),
    INTERPRETER_OBJECT("cmath.*"),
    INTERPRETER_OBJECT("math.*"),
    INTERPRETER_OBJECT("unicodedata.*"),
    INTERPRETER_OBJECT("_ctypes.*"),
    INTERPRETER_OBJECT("libffi*"),
    INTERPRETER_OBJECT("_cffi_backend*"),
    INTERPRETER_OBJECT("_greenlet*"),
    INTERPRETER_OBJECT("_speedups.*"),
    INTERPRETER_OBJECT("_multidict*"),
    /* Bytes to objects and back. */
    COPY_OBJECT("_pickle*"),
    COPY_OBJECT("_json*"),
    COPY_OBJECT("_struct.*"),
    COPY_OBJECT("_csv*"),
    COPY_OBJECT("_elementtree*"),
    COPY_OBJECT("pyexpat*"),
    COPY_OBJECT("libexpat*"),
    COPY_OBJECT("etree.*"),
    COPY_OBJECT("binascii*"),
    COPY_OBJECT("_codecs_*"),
    COPY_OBJECT("_multibytecodec*"),
    COPY_OBJECT("*ujson*"),
    COPY_OBJECT("orjson*"),
    COPY_OBJECT("*simdjson*"),
    COPY_OBJECT("rapidjson*"),
    COPY_OBJECT("_cmsgpack*"),
    COPY_OBJECT("*msgpack*"),
    COPY_OBJECT("_pydantic_core*"),
    COPY_OBJECT("_http_parser*"),
    COPY_OBJECT("_http_writer*"),
    COPY_OBJECT("_websocket*"),
    COPY_OBJECT("*protobuf*"),
    COPY_OBJECT("_message.*"),
    COPY_OBJECT("libupb*"),
    COPY_OBJECT("_ssl.*"),
    COPY_OBJECT("libssl*"),
    COPY_OBJECT("libcrypto*"),
    COPY_OBJECT("_hashlib*"),
    COPY_OBJECT("_md5.*"),
    COPY_OBJECT("_sha*"),
    COPY_OBJECT("_blake2*"),
    COPY_OBJECT("zlib*"),
    COPY_OBJECT("libz.so*"),
    COPY_OBJECT("libz-*"),
    COPY_OBJECT("_bz2*"),
    COPY_OBJECT("libbz2*"),
    COPY_OBJECT("_lzma*"),
    COPY_OBJECT("liblzma*"),
    COPY_OBJECT("*zstd*"),
    COPY_OBJECT("*brotli*"),
    COPY_OBJECT("*lz4*"),
    COPY_OBJECT("*snappy*"),
    /* The system. */
    IO_OBJECT("_socket.*"),
    IO_OBJECT("select.*"),
    IO_OBJECT("_posixsubprocess*"),
    IO_OBJECT("_multiprocessing.*"),
    IO_OBJECT("_posixshmem*"),
    IO_OBJECT("mmap.*"),
    IO_OBJECT("fcntl.*"),
    IO_OBJECT("libuv*"),
    IO_OBJECT("libev*"),
    IO_OBJECT("libzmq*"),
    IO_OBJECT("libcurl*"),
    IO_OBJECT("libpq*"),
    IO_OBJECT("libnss_*"),
    IO_OBJECT("libresolv*"),
    /* Drivers: time in them is time in which the program waits for the device. */
    DEVICE_OBJECT("libcuda.so*"),
    DEVICE_OBJECT("libcudart*"),
    DEVICE_OBJECT("libnvidia*"),
    DEVICE_OBJECT("libnccl*"),
    DEVICE_OBJECT("libamdhip*"),
    DEVICE_OBJECT("libhsa*"),
    DEVICE_OBJECT("librocr*"),
    DEVICE_OBJECT("librccl*"),
    DEVICE_OBJECT("libOpenCL*"),
    DEVICE_OBJECT("libze_*"),
    DEVICE_OBJECT("libvulkan*"),
    DEVICE_OBJECT("libtpu*"),
    DEVICE_OBJECT("libedgetpu*"),
    DEVICE_OBJECT("libhailort*"),
    /* Copies of the C library, by whatever name it has for this processor. */
    COPY_FUNCTION("memcpy*"),
    COPY_FUNCTION("memmove*"),
    COPY_FUNCTION("memset*"),
    COPY_FUNCTION("mempcpy*"),
    COPY_FUNCTION("bcopy"),
    COPY_FUNCTION("bzero"),
    COPY_FUNCTION("_pickle.*"),
    COPY_FUNCTION("_json.*"),
    COPY_FUNCTION("_struct.*"),
    COPY_FUNCTION("_csv.*"),
    COPY_FUNCTION("_codecs.*"),
    COPY_FUNCTION("_elementtree.*"),
    COPY_FUNCTION("pyexpat.*"),
    COPY_FUNCTION("marshal.*"),
    COPY_FUNCTION("binascii.*"),
    COPY_FUNCTION("zlib.*"),
    /* Calls into the kernel that move bytes: the processor is busy, the bytes are the reason. */
    IO_FUNCTION("libc:read"),
    IO_FUNCTION("libc:readv"),
    IO_FUNCTION("libc:pread"),
    IO_FUNCTION("libc:pread64"),
    IO_FUNCTION("libc:preadv*"),
    IO_FUNCTION("libc:write"),
    IO_FUNCTION("libc:writev"),
    IO_FUNCTION("libc:pwrite"),
    IO_FUNCTION("libc:pwrite64"),
    IO_FUNCTION("libc:pwritev*"),
    IO_FUNCTION("libc:recv"),
    IO_FUNCTION("libc:recvfrom"),
    IO_FUNCTION("libc:recvmsg"),
    IO_FUNCTION("libc:recvmmsg"),
    IO_FUNCTION("libc:send"),
    IO_FUNCTION("libc:sendto"),
    IO_FUNCTION("libc:sendmsg"),
    IO_FUNCTION("libc:sendmmsg"),
    IO_FUNCTION("libc:sendfile*"),
    IO_FUNCTION("libc:splice"),
    IO_FUNCTION("libc:copy_file_range"),
    IO_FUNCTION("libc:accept"),
    IO_FUNCTION("libc:accept4"),
    IO_FUNCTION("libc:connect"),
    IO_FUNCTION("libc:socket"),
    IO_FUNCTION("libc:socketpair"),
    IO_FUNCTION("libc:shutdown"),
    IO_FUNCTION("libc:bind"),
    IO_FUNCTION("libc:getsockopt"),
    IO_FUNCTION("libc:setsockopt"),
    IO_FUNCTION("libc:open"),
    IO_FUNCTION("libc:open64"),
    IO_FUNCTION("libc:openat"),
    IO_FUNCTION("libc:openat64"),
    IO_FUNCTION("libc:close"),
    IO_FUNCTION("libc:stat"),
    IO_FUNCTION("libc:stat64"),
    IO_FUNCTION("libc:fstat"),
    IO_FUNCTION("libc:fstat64"),
    IO_FUNCTION("libc:lstat"),
    IO_FUNCTION("libc:lstat64"),
    IO_FUNCTION("libc:fstatat*"),
    IO_FUNCTION("libc:statx"),
    IO_FUNCTION("libc:access"),
    IO_FUNCTION("libc:lseek"),
    IO_FUNCTION("libc:lseek64"),
    IO_FUNCTION("libc:getdents64"),
    IO_FUNCTION("libc:unlink"),
    IO_FUNCTION("libc:rename"),
    IO_FUNCTION("libc:mkdir"),
    IO_FUNCTION("libc:readlink"),
    IO_FUNCTION("libc:fsync"),
    IO_FUNCTION("libc:fdatasync"),
    IO_FUNCTION("libc:poll"),
    IO_FUNCTION("libc:ppoll"),
    IO_FUNCTION("libc:select"),
    IO_FUNCTION("libc:pselect"),
    IO_FUNCTION("libc:epoll_wait"),
    IO_FUNCTION("libc:epoll_pwait*"),
    IO_FUNCTION("libc:epoll_ctl"),
    IO_FUNCTION("libc:ioctl"),
    IO_FUNCTION("libc:fcntl"),
    IO_FUNCTION("libc:fcntl64"),
    IO_FUNCTION("libc:fork"),
    IO_FUNCTION("libc:vfork"),
    IO_FUNCTION("libc:clone"),
    IO_FUNCTION("libc:execve"),
    IO_FUNCTION("libc:posix_spawn*"),
    IO_FUNCTION("libc:wait4"),
    IO_FUNCTION("libc:waitpid"),
    IO_FUNCTION("libc:waitid"),
    /* Serialisers that are written in Python. */
    COPY_PYTHON("json/encoder.py"),
    COPY_PYTHON("json/decoder.py"),
    COPY_PYTHON("json/scanner.py"),
    COPY_PYTHON("simplejson/*.py"),
    COPY_PYTHON("pickle.py"),
    COPY_PYTHON("cloudpickle/*.py"),
    COPY_PYTHON("base64.py"),
    COPY_PYTHON("quopri.py"),
    COPY_PYTHON("codecs.py"),
    COPY_PYTHON("encodings/*.py"),
    COPY_PYTHON("csv.py"),
    COPY_PYTHON("gzip.py"),
    COPY_PYTHON("plistlib.py"),
    COPY_PYTHON("xml/etree/ElementTree.py"),
    COPY_PYTHON("msgpack/fallback.py"),
    COPY_PYTHON("google/protobuf/internal/*.py"),
    COPY_PYTHON("google/protobuf/json_format.py"),
    /* Where workers wait for work, and servers for clients.  They hold for threads that wait and
     * whose innermost function, but for those of locks and queues, this is. */
    IDLE_PYTHON("concurrent/futures/thread.py:_worker"),
    IDLE_PYTHON("concurrent/futures/process.py:_process_worker"),
    IDLE_PYTHON("concurrent/futures/process.py:wait_result_broken_or_wakeup"),
    IDLE_PYTHON("multiprocessing/pool.py:worker"),
    IDLE_PYTHON("multiprocessing/pool.py:_handle_*"),
    IDLE_PYTHON("multiprocessing/pool.py:_wait_for_updates"),
    IDLE_PYTHON("multiprocessing/queues.py:_feed"),
    IDLE_PYTHON("multiprocessing/resource_tracker.py:main"),
    IDLE_PYTHON("multiprocessing/forkserver.py:main"),
    IDLE_PYTHON("logging/handlers.py:dequeue"),
    IDLE_PYTHON("call_driver.py:*"),
    IDLE_PYTHON("socketserver.py:serve_forever"),
    IDLE_PYTHON("gunicorn/arbiter.py:*"),
    IDLE_PYTHON("gunicorn/workers/sync.py:wait"),
    IDLE_PYTHON("gunicorn/workers/gthread.py:run"),
    IDLE_PYTHON("gunicorn/workers/ggevent.py:run"),
    IDLE_PYTHON("waitress/task.py:handler_thread"),
    IDLE_PYTHON("cheroot/workers/threadpool.py:run"),
    IDLE_PYTHON("anyio/_backends/_asyncio.py:run"),
    IDLE_PYTHON("torch/utils/data/_utils/worker.py:_worker_loop"),
    IDLE_PYTHON("torch/utils/data/_utils/pin_memory.py:*"),
};

/* ---- patterns ------------------------------------------------------------------------------- */

/* Only the last star is ever taken back, so the time is at most the product of the lengths. */
static bool fits(const char *pattern, size_t pattern_length, const char *text) {
    const char *p = pattern, *end = pattern + pattern_length, *star = NULL, *from = NULL;
    while (*text) {
        if (p < end && *p == '*') {
            star = ++p;
            from = text;
        } else if (p < end && (*p == '?' || *p == *text)) {
            p++;
            text++;
        } else if (star) {
            p = star;
            text = ++from;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*') p++;
    return p == end;
}

static bool fits_function(const char *pattern, const char *function) {
    if (!function) return false;
    if (fits(pattern, strlen(pattern), function)) return true;
    const char *dot = strrchr(function, '.');
    return dot && fits(pattern, strlen(pattern), dot + 1);
}

bool assess_rule_fits_python(const char *pattern, const char *path, const char *function) {
    const char *colon = strrchr(pattern, ':');
    size_t length = colon ? (size_t)(colon - pattern) : strlen(pattern);
    if (colon && !fits_function(colon + 1, function)) return false;
    if (fits(pattern, length, path)) return true; /* an absolute one */
    for (const char *part = path; part; part = strchr(part, '/')) {
        if (*part == '/') part++;
        if (fits(pattern, length, part)) return true;
    }
    return false;
}

static bool rule_fits(const struct rule *rule, enum kind kind, const char *name,
                      const char *function) {
    if (rule->kind != kind) return false;
    if (kind == PYTHON) return assess_rule_fits_python(rule->pattern, name, function);
    return fits(rule->pattern, strlen(rule->pattern), name);
}

static enum assess_bucket look_up(const struct assess_rules *rules, enum kind kind,
                                  const char *name, const char *function) {
    for (size_t i = rules->count; i-- > 0;) {
        if (rule_fits(&rules->own[i], kind, name, function)) return rules->own[i].bucket;
    }
    for (size_t i = sizeof built_in / sizeof *built_in; i-- > 0;) {
        if (rule_fits(&built_in[i], kind, name, function)) return built_in[i].bucket;
    }
    return ASSESS_BUCKETS;
}

enum assess_bucket assess_rules_object(const struct assess_rules *rules, const char *base_name) {
    return look_up(rules, OBJECT, base_name, NULL);
}

enum assess_bucket assess_rules_function(const struct assess_rules *rules, const char *symbol) {
    return look_up(rules, FUNCTION, symbol, NULL);
}

enum assess_bucket assess_rules_python(const struct assess_rules *rules, const char *path,
                                       const char *function) {
    return look_up(rules, PYTHON, path, function);
}

/* ---- the user's file ------------------------------------------------------------------------ */

enum { FILE_MOST = 1 << 20 };

static int read_whole(const char *path, struct assess_pool *pool, char **text, size_t *length,
                      struct ashore_error *err) {
    FILE *file = fopen(path, "rb");
    if (!file) return assess_fail(err, ASHORE_ERR_IO, "rules: %s: %s", path, strerror(errno));
    *text = assess_alloc(pool, FILE_MOST + 1);
    *length = *text ? fread(*text, 1, FILE_MOST + 1, file) : 0;
    int code = !*text ? ASHORE_ERR_NOMEM : ferror(file) ? ASHORE_ERR_IO : ASHORE_OK;
    fclose(file);
    if (code == ASHORE_ERR_NOMEM) return assess_fail(err, code, "rules: %s: out of memory", path);
    if (code < 0) return assess_fail(err, code, "rules: %s: cannot be read", path);
    if (*length > FILE_MOST) {
        return assess_fail(err, ASHORE_ERR_LIMIT, "rules: %s: larger than %d bytes", path,
                           FILE_MOST);
    }
    (*text)[*length] = '\0';
    return ASHORE_OK;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Takes a word off the line's front, NUL-terminates it and leaves *line at what follows. */
static char *take_word(char **line) {
    char *word = *line;
    while (is_blank(*word)) word++;
    char *end = word;
    while (*end && !is_blank(*end)) end++;
    *line = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static int index_of(const char *word, const char *const *names, int count) {
    for (int i = 0; i < count; i++) {
        if (strcmp(word, names[i]) == 0) return i;
    }
    return -1;
}

static int read_line(struct assess_rules *rules, char *line, const char *path, size_t number,
                     struct ashore_error *err) {
    const char *first = take_word(&line);
    if (*first == '\0' || *first == '#') return ASHORE_OK;
    int bucket = index_of(first, assess_bucket_names, ASSESS_BUCKETS);
    if (bucket < 0) {
        return assess_fail(
            err, ASHORE_ERR_FORMAT,
            "%s:%zu: \"%.40s\" is no bucket; a rule is BUCKET object|function|python "
            "PATTERN, with one of interpreter, compute, io, marshalling, gil_wait, "
            "lock_wait, device_wait, gc, idle, unknown",
            path, number, first);
    }
    const char *second = take_word(&line);
    int kind = index_of(second, kind_names, KINDS);
    if (kind < 0) {
        return assess_fail(err, ASHORE_ERR_FORMAT,
                           "%s:%zu: \"%.40s\" where object, function or python is expected", path,
                           number, second);
    }
    while (is_blank(*line)) line++;
    size_t length = strlen(line);
    while (length && is_blank(line[length - 1])) length--;
    line[length] = '\0';
    if (length == 0) {
        return assess_fail(err, ASHORE_ERR_FORMAT, "%s:%zu: no pattern after \"%s %s\"", path,
                           number, first, second);
    }
    if (!assess_grow((void **)&rules->own, rules->count, &rules->room, sizeof *rules->own)) {
        return assess_fail(err, ASHORE_ERR_NOMEM, "rules: out of memory");
    }
    rules->own[rules->count++] = (struct rule){(uint8_t)bucket, (uint8_t)kind, line};
    return ASHORE_OK;
}

static int read_rules(struct assess_rules *rules, const char *path, struct ashore_error *err) {
    char *text = NULL;
    size_t length = 0;
    ASSESS_TRY(read_whole(path, &rules->pool, &text, &length, err));
    if (memchr(text, '\0', length)) {
        return assess_fail(err, ASHORE_ERR_FORMAT, "rules: %s: not a text file", path);
    }
    for (size_t number = 1; text; number++) {
        char *end = strchr(text, '\n');
        if (end) *end = '\0';
        ASSESS_TRY(read_line(rules, text, path, number, err));
        text = end ? end + 1 : NULL;
    }
    return ASHORE_OK;
}

int assess_rules_create(const char *path, struct assess_rules **rules, struct ashore_error *err) {
    *rules = assess_realloc(NULL, sizeof **rules);
    if (!*rules) return assess_fail(err, ASHORE_ERR_NOMEM, "rules: out of memory");
    **rules = (struct assess_rules){0};
    int code = path ? read_rules(*rules, path, err) : ASHORE_OK;
    if (code < 0) assess_rules_destroy(rules);
    return code;
}

void assess_rules_destroy(struct assess_rules **rules) {
    if (!*rules) return;
    assess_realloc((*rules)->own, 0);
    assess_pool_deinit(&(*rules)->pool);
    assess_realloc(*rules, 0);
    *rules = NULL;
}
