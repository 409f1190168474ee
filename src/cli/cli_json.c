#include "cli_json.h"

#include "cli_element.h"

#include <math.h>
#include <string.h>

static json_t *text_of(const char *s, size_t n) {
    size_t to = 0;
    json_t *text = json_stringn(s, n);
    if (text) return text;
    char *out = cli_realloc(NULL, n * 3 + 1);
    if (!out) return NULL;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t step = cli_utf8_decode(s + at, n - at, &code);
        to += cli_utf8_encode(step ? code : 0xfffd, out + to);
        at += step ? step : 1;
    }
    text = json_stringn(out, to);
    cli_realloc(out, 0);
    return text;
}

json_t *cli_json_text(const char *s) { return s ? text_of(s, strlen(s)) : json_null(); }

json_t *cli_json_real(double v) { return isfinite(v) ? json_real(v) : json_null(); }

json_t *cli_json_count(uint64_t v) {
    return v <= INT64_MAX ? json_integer((json_int_t)v) : json_real((double)v);
}

/* A string, an integer or a number; null for what is not finite. */
static json_t *element_of(const ashore_value *tensor, size_t i) {
    int dtype = ashore_value_dtype(tensor);
    double parts[2];
    size_t n;
    const char *s = ashore_value_string(tensor, i, &n);
    if (s) return text_of(s, n);
    if (dtype == ASHORE_INT64) {
        int64_t whole;
        memcpy(&whole, (const char *)ashore_value_data(tensor) + i * sizeof whole, sizeof whole);
        return json_integer(whole);
    }
    cli_element_get(tensor, i, parts);
    return cli_json_real(parts[0]);
}

static json_t *entries_of(const ashore_value *map) {
    const ashore_value *keys = ashore_value_item(map, 0), *values = ashore_value_item(map, 1);
    bool numbers = ashore_value_kind(values) == ASHORE_TENSOR;
    json_t *list = json_array();
    for (size_t i = 0; i < ashore_value_elements(keys); i++) {
        json_t *entry = json_object();
        json_object_set_new(entry, "key", element_of(keys, i));
        json_object_set_new(entry, "value",
                            numbers ? element_of(values, i)
                                    : cli_json_value(ashore_value_item(values, i)));
        json_array_append_new(list, entry);
    }
    return list;
}

json_t *cli_json_value(const ashore_value *value) {
    static const char *const kinds[] = {"tensor", "sequence", "optional", "map"};
    json_t *object = json_object();
    int kind = ashore_value_kind(value);
    if (kind != ASHORE_TENSOR) {
        json_object_set_new(object, "kind",
                            json_string(kind >= 0 && kind < 4 ? kinds[kind] : "unknown"));
        bool map = kind == ASHORE_MAP;
        size_t count =
            map ? ashore_value_elements(ashore_value_item(value, 0)) : ashore_value_count(value);
        json_object_set_new(object, "count", cli_json_count(count));
        if (map) json_object_set_new(object, "entries", entries_of(value));
        return object;
    }
    json_t *shape = json_array();
    for (int i = 0; i < ashore_value_rank(value); i++) {
        json_array_append_new(shape, json_integer(ashore_value_shape(value)[i]));
    }
    json_object_set_new(object, "dtype", json_string(ashore_dtype_name(ashore_value_dtype(value))));
    json_object_set_new(object, "shape", shape);
    return object;
}

int cli_json_print(struct cli *cli, json_t *object, int code) {
    int rc = object ? json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : -1;
    json_decref(object);
    if (rc != 0) return cli_give_up(cli, CLI_INTERNAL, "the output could not be written");
    putchar('\n');
    return code;
}
