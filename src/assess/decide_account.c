/* What a port costs, and what it saves. */
#include "decide.h"

#include <math.h>

static const double seconds_of_year = 365.25 * 86400;
static const double years = 3;

static bool is_amount(double value) { return isfinite(value) && value >= 0; }

static const char *money(struct assess_case *c, double amount) {
    return assess_money_text(c->pool, amount);
}

/* Cores that a realistic port would free, for as long as the load is what was measured. */
static const char *savings(struct assess_case *c, struct assess_account *account) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    const struct assess_ceiling *realistic = &c->verdict->ceilings[ASSESS_REALISTIC];
    if (!assess_is_given(e->price)) {
        return "No price of a core-hour was given (--price), so the gain is the speedup alone and "
               "not counted in money.";
    }
    if (!assess_is_given(e->cores_used) || !c->profiled || !isfinite(realistic->factor)) {
        return "How many cores the program uses was not measured together with a profile, so the "
               "gain is not counted in money.";
    }
    double freed = e->cores_used * (1 - assess_processor_factor(c, realistic->factor));
    account->saves_yearly = fmax(0, freed) * e->price * seconds_of_year;
    return assess_say(
        pool,
        "Realistically it frees %s of %s cores, at %s per core-hour %s a year if the load "
        "stays as it was measured all year round.",
        assess_number_text(pool, fmax(0, freed)), assess_number_text(pool, e->cores_used),
        money(c, e->price * 3600), money(c, account->saves_yearly));
}

static const char *balance(struct assess_case *c, const struct assess_account *account) {
    struct assess_pool *pool = c->pool;
    if (isfinite(account->break_even)) {
        return assess_say(pool, "It breaks even after %s years.",
                          assess_number_text(pool, account->break_even));
    }
    if (account->saves_yearly > 0) {
        return "It never breaks even: the upkeep is at least what it saves.";
    }
    return "It never breaks even in money; only a target that has to be met can pay for it.";
}

void assess_decide_account(struct assess_case *c) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    struct assess_account *account = &c->verdict->account;
    *account = (struct assess_account){.break_even = INFINITY};
    account->given = is_amount(e->port_days) && is_amount(e->upkeep_days) && is_amount(e->day_cost);
    const char *gain = savings(c, account);
    if (!account->given) {
        account->words = assess_say(pool,
                                    "cost not given: add --port-days, --upkeep-days-per-year and "
                                    "--day-cost. %s",
                                    gain);
        return;
    }
    account->once = e->port_days * e->day_cost;
    account->yearly = e->upkeep_days * e->day_cost;
    double net = account->saves_yearly - account->yearly;
    if (net > 0) account->break_even = account->once / net;
    account->words = assess_say(
        pool,
        "A port costs %s once (%s days at %s) and %s a year to keep up beside the Python path (%s "
        "days: a second toolchain, and drift whenever weights, preprocessing or outputs change). "
        "%s %s Not porting saves %s over %s years.",
        money(c, account->once), assess_number_text(pool, e->port_days), money(c, e->day_cost),
        money(c, account->yearly), assess_number_text(pool, e->upkeep_days), gain,
        balance(c, account), money(c, account->once + years * account->yearly),
        assess_number_text(pool, years));
}
