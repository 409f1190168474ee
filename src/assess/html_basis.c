#include "html_sections.h"

#include "report_facts.h"
#include "words.h"

#include <math.h>

enum { MOST_LINES = 200 };

static void add_fact(struct assess_page *page, const char *name, const char *value) {
    if (!value || !value[0]) return;
    assess_page_wrap(page, "<dt>", name, "</dt>");
    assess_page_wrap(page, "<dd>", value, "</dd>\n");
}

/* ---- how sure it is ------------------------------------------------------------------------- */

static void add_methods(struct assess_page *page) {
    const struct assess_evidence *evidence = page->report->evidence;
    assess_page_add(page, "<h3>The statistics, in words</h3>\n<dl class=\"facts\">\n");
    if (evidence->run) {
        add_fact(page, "Met, missed or open (binomial test)",
                 "How many requests exceed a limit is partly luck. A percentile target counts as "
                 "met only if a program that misses it would hardly ever have shown so few slow "
                 "requests, and as missed only the other way round; what lies between is open.");
        add_fact(page, "Intervals of percentiles (block bootstrap)",
                 "The run is cut into blocks of a second and put together again from blocks drawn "
                 "at random, many times; the interval holds the percentile of nearly all of these. "
                 "Blocks, because requests that follow one another are slow together.");
        add_fact(page, "Warm-up (change point)",
                 "The moment is searched for after which latency keeps its level, and counted only "
                 "if shuffled data would not show it too. It is reported, never dropped silently.");
        add_fact(page, "Noise (A/A comparison)",
                 "The measurement is compared with itself. Where two equal things differ by more "
                 "than the tolerance, no difference of that size is claimed: the verdict is then "
                 "inconclusive. Spread is the median absolute deviation, which outliers do not "
                 "move.");
    }
    if (page->report->verdict->ceiling_count) {
        add_fact(page, "Predicted latency (queue simulation)",
                 "Measured service times are multiplied by what a port would leave of them, and "
                 "sent through a queue at the target rate with arrivals drawn at random; the "
                 "number of servers is the one that reproduces today's latencies.");
        add_fact(page, "Ceiling (Amdahl's law)",
                 "Removing a part of a request can make it no faster than the rest takes: a share "
                 "of 8 % caps the gain at 8 % of the time.");
    }
    assess_page_add(page, "</dl>\n");
}

/* Half the width of a share's interval at its widest, for n independent samples: 1.96 sqrt(1/4n).
 */
static const char *sampling_error(struct assess_page *page, uint64_t samples) {
    if (samples == 0) return "";
    return assess_say(&page->pool, " (a share is exact to %.1f points at best)",
                      98 / sqrt((double)samples));
}

static void add_sampling(struct assess_page *page, const struct assess_profile *profile) {
    struct assess_pool *pool = &page->pool;
    double cpu = 0, handler = 0, wall = 0, missed = 0, lost = 0;
    for (size_t i = 0; i < profile->process_count; i++) {
        const struct assess_process *process = &profile->processes[i];
        cpu += process->sampler_cpu;
        handler += process->handler_seconds;
        wall += process->wall;
        missed += (double)process->missed;
        lost += (double)process->lost;
    }
    assess_page_add(page, "<h3>The profile</h3>\n<dl class=\"facts\">\n");
    add_fact(page, "source", profile->source);
    if (profile->hz > 0) {
        add_fact(page, "rate", assess_rate_text(pool, profile->hz));
        add_fact(page, "samples",
                 assess_say(pool, "%s%s", assess_number_text(pool, (double)profile->samples),
                            sampling_error(page, profile->samples)));
        add_fact(page, "missed ticks, lost samples",
                 assess_say(pool, "%s, %s", assess_number_text(pool, missed),
                            assess_number_text(pool, lost)));
        if (wall > 0) {
            add_fact(page, "cost of sampling",
                     assess_say(pool, "%s of a processor for the sampler, %s in signal handlers",
                                assess_percent_text(pool, cpu / wall),
                                assess_percent_text(pool, handler / wall)));
        }
    }
    assess_page_add(page, "</dl>\n");
}

static void add_model(struct assess_page *page, const struct assess_model_timing *model) {
    struct assess_pool *pool = &page->pool;
    assess_page_add(page, "<h3>The model, run by Ashore</h3>\n<dl class=\"facts\">\n");
    add_fact(page, "file", model->path);
    add_fact(page, "size", assess_bytes_text(pool, (double)model->bytes));
    add_fact(page, "native",
             model->native > 0
                 ? assess_say(pool, "%s a run, %s to load", assess_time_text(pool, model->native),
                              assess_time_text(pool, model->load_native))
                 : "not measured");
    if (model->wasm > 0) {
        add_fact(page, "WebAssembly",
                 assess_say(pool, "%s a run, %s as long as native",
                            assess_time_text(pool, model->wasm),
                            assess_times_text(pool, model->wasm / model->native)));
    } else {
        add_fact(page, "WebAssembly",
                 assess_say(pool, "not measured: %s",
                            model->wasm_why ? model->wasm_why : "it was not run there"));
    }
    add_fact(page, "peak memory, native",
             model->peak_bytes > 0 ? assess_bytes_text(pool, model->peak_bytes) : "not measured");
    assess_page_add(page, "</dl>\n");
}

static void add_measured(struct assess_page *page) {
    const struct assess_evidence *evidence = page->report->evidence;
    struct assess_pool *pool = &page->pool;
    const struct {
        const char *name;
        double value;
        assess_text_of *text;
    } facts[] = {
        {"cold start: from exec to the first answer", evidence->cold_start, assess_time_text},
        {"of it, before anything was served", evidence->first_import, assess_time_text},
        {"peak memory of all processes", evidence->peak_bytes, assess_bytes_text},
        {"processors used, on average", evidence->cores_used, assess_number_text},
        {"processors there", evidence->cores, assess_number_text},
        {"used by other programs meanwhile", evidence->other_cores, assess_number_text},
        {"download of a client, compressed", evidence->download_bytes, assess_bytes_text},
    };
    assess_page_add(page, "<h3>Measured besides</h3>\n<dl class=\"facts\">\n");
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        bool known = facts[i].value > 0;
        add_fact(page, facts[i].name, known ? facts[i].text(pool, facts[i].value) : "not measured");
    }
    assess_page_add(page, "</dl>\n");
}

/* ---- environment ---------------------------------------------------------------------------- */

static void add_environment(struct assess_page *page) {
    const struct assess_report *report = page->report;
    assess_page_add(page, "<h3>Environment</h3>\n<dl class=\"facts\">\n");
    add_fact(page, "machine", report->machine);
    add_fact(page, "processor", report->processor);
    add_fact(page, "memory", report->memory);
    add_fact(page, "system", report->system);
    add_fact(page, "Ashore", report->version);
    assess_page_add(page, "</dl>\n");
    if (report->environment_count == 0) return;
    assess_page_printf(page, "<details><summary>%zu more lines</summary>\n<pre>",
                       report->environment_count);
    for (size_t i = 0; i < report->environment_count && i < MOST_LINES; i++) {
        assess_page_text(page, report->environment[i], ASSESS_LONG);
        assess_page_add(page, "\n");
    }
    assess_page_add(page, "</pre></details>\n");
}

void assess_html_basis(struct assess_page *page) {
    const struct assess_report *report = page->report;
    const struct assess_evidence *evidence = report->evidence;
    assess_page_section(page, "basis", "How sure this is, and how to repeat it");
    if (report->verdict->noise && report->verdict->noise[0]) {
        assess_page_wrap(page, "<p>", report->verdict->noise, "</p>\n");
    } else {
        assess_page_missing(page, "nothing is known about the noise of the measurement.");
    }
    add_methods(page);
    if (evidence->profile) add_sampling(page, evidence->profile);
    if (evidence->model) add_model(page, evidence->model);
    add_measured(page);
    add_environment(page);
    assess_page_add(page, "<h3>How to repeat it</h3>\n<pre>");
    assess_page_lines(page, assess_repeat_command(report, &page->pool), ASSESS_SENTENCE);
    assess_page_add(page, "</pre>\n");
    assess_page_section_end(page);
}
