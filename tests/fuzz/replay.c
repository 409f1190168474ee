/* replay PATH...: gives every file, and every file of a folder, to the fuzz target it is linked
 * with.  For every input also its prefixes, at 16 places: a cut file must be refused as well. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

/* A copy of its own size, so that AddressSanitizer sees a read past the end. */
static int replay_bytes(const unsigned char *bytes, size_t size) {
    unsigned char *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL) return 1;
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    replayed++;
    return 0;
}

static int replay_file(const char *path) {
    enum { CUTS = 16 };
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    long size = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc((size_t)size + 1);
    int rc = bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size;
    fclose(file);
    for (size_t cut = 0; rc == 0 && cut <= CUTS; cut++) {
        rc = replay_bytes(bytes, (size_t)size - (size_t)size * cut / CUTS);
    }
    free(bytes);
    return rc;
}

static int replay_path(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        fprintf(stderr, "%s: not there\n", path);
        return 1;
    }
    if (!S_ISDIR(info.st_mode)) return replay_file(path);
    DIR *dir = opendir(path);
    if (dir == NULL) return 1;
    int rc = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.') continue;
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        rc |= replay_file(name);
    }
    closedir(dir);
    return rc;
}

int main(int argc, char **argv) {
    int rc = 0;
    for (int i = 1; i < argc; i++) rc |= replay_path(argv[i]);
    printf("%zu inputs replayed\n", replayed);
    return rc != 0 || replayed == 0;
}
