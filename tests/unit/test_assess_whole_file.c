/* Files that are written whole or not at all: what is there afterwards, in every case. */
#define _GNU_SOURCE
#include "assess/whole_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/ashore-whole-XXXXXX";

static const char *in_folder(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static size_t count_files(void) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        count += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    closedir(dir);
    return count;
}

static int remove_folder(void **state) {
    (void)state;
    DIR *dir = opendir(folder);
    if (!dir) return -1;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            unlink(in_folder(e->d_name));
        }
    }
    closedir(dir);
    return rmdir(folder);
}

static void check_content(const char *name, const char *expected) {
    char bytes[64] = {0};
    FILE *file = fopen(in_folder(name), "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(bytes, expected);
}

static void test_new_and_replaced(void **state) {
    (void)state;
    struct ashore_error err = {0};
    assert_int_equal(assess_write_file(in_folder("a"), "first", 5, &err), ASHORE_OK);
    check_content("a", "first");
    assert_int_equal(chmod(in_folder("a"), 0640), 0);
    assert_int_equal(assess_write_file(in_folder("a"), "second!", 7, &err), ASHORE_OK);
    check_content("a", "second!");
    struct stat st;
    assert_int_equal(stat(in_folder("a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(assess_write_file(in_folder("a"), "", 0, &err), ASHORE_OK);
    check_content("a", "");
    assert_int_equal(count_files(), 1);
}

static void test_link_stays(void **state) {
    (void)state;
    struct ashore_error err = {0};
    assert_int_equal(assess_write_file(in_folder("a"), "first", 5, &err), ASHORE_OK);
    assert_int_equal(symlink("a", in_folder("link")), 0);
    assert_int_equal(assess_write_file(in_folder("link"), "through", 7, &err), ASHORE_OK);
    check_content("a", "through");
    struct stat st;
    assert_int_equal(lstat(in_folder("link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
}

/* The limit on a file's size stands for a full disk: a part is written, then nothing more. */
static void test_no_room(void **state) {
    (void)state;
    struct ashore_error err = {0};
    assert_int_equal(assess_write_file(in_folder("a"), "before", 6, &err), ASHORE_OK);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    char *big = calloc(1, 1 << 20);
    assert_non_null(big);
    int rc = assess_write_file(in_folder("a"), big, 1 << 20, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    free(big);
    assert_int_equal(rc, ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, in_folder("a")));
    check_content("a", "before");
    assert_int_equal(count_files(), 1);
}

static void test_devices_and_refusals(void **state) {
    (void)state;
    struct ashore_error err = {0};
    assert_int_equal(assess_write_file("/dev/null", "x", 1, &err), ASHORE_OK);
    assert_int_equal(assess_write_file("/dev/full", "x", 1, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, "No space left"));
    assert_int_equal(assess_write_file(folder, "x", 1, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, "folder"));
    assert_int_equal(assess_write_file(in_folder("none/a"), "x", 1, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, "none/a"));
    assert_int_equal(assess_write_file("", "x", 1, NULL), ASHORE_ERR_IO);
    char *longest = malloc(8192);
    assert_non_null(longest);
    memset(longest, 'a', 8191);
    longest[8191] = '\0';
    assert_int_equal(assess_write_file(longest, "x", 1, &err), ASHORE_ERR_IO);
    free(longest);
    assert_int_equal(count_files(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_and_replaced, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_link_stays, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_no_room, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_devices_and_refusals, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
