#include "cli_json.h"

#include <math.h>
#include <string.h>

json_t *cli_json_text(const char *s) {
    if (!s) return json_null();
    size_t n = strlen(s), to = 0;
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

json_t *cli_json_real(double v) { return isfinite(v) ? json_real(v) : json_null(); }

json_t *cli_json_count(uint64_t v) {
    return v <= INT64_MAX ? json_integer((json_int_t)v) : json_real((double)v);
}

json_t *cli_json_value(const ashore_value *value) {
    static const char *const kinds[] = {"tensor", "sequence", "optional", "map"};
    json_t *object = json_object();
    int kind = ashore_value_kind(value);
    if (kind != ASHORE_TENSOR) {
        json_object_set_new(object, "kind",
                            json_string(kind >= 0 && kind < 4 ? kinds[kind] : "unknown"));
        json_object_set_new(object, "count", cli_json_count(ashore_value_count(value)));
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
