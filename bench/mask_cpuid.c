/* mask_cpuid(): from now on, what this process learns of the processor ends with AVX2.
 *
 * Linux can make the instruction `cpuid` fault where the processor or the hypervisor allows it
 * (arch_prctl, ARCH_SET_CPUID; inherited by threads made later).  The handler runs the instruction
 * in the program's place and clears what is newer: AVX-512 and its parts, AVX-VNNI, AMX, AVX10.  A
 * library that chooses its kernels when it is loaded, and is loaded afterwards, chooses those for
 * AVX2. Returns 0, or -1 where it is not possible. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>

int mask_cpuid(void);

#if defined(__linux__) && defined(__x86_64__)
#    include <cpuid.h>
#    include <sys/syscall.h>
#    include <ucontext.h>
#    include <unistd.h>

enum { set_cpuid = 0x1012 }; /* ARCH_SET_CPUID of asm/prctl.h */

#    define BIT(n) (UINT32_C(1) << (n))

/* Leaf 7, by sub-leaf: Intel SDM volume 2A, CPUID. */
static const uint32_t newer_ebx =
    BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
static const uint32_t newer_ecx = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14);
static const uint32_t newer_edx = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25);
static const uint32_t newer_eax_1 = BIT(4) | BIT(5) | BIT(21) | BIT(23);
static const uint32_t newer_edx_1 = BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19);

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *at = (const uint8_t *)r[REG_RIP];
    (void)info;
    if (at[0] != 0x0f || at[1] != 0xa2) { /* a fault like any other: it comes again, and ends us */
        signal(number, SIG_DFL);
        return;
    }
    uint32_t leaf = (uint32_t)r[REG_RAX], sub = (uint32_t)r[REG_RCX], a, b, c, d;
    syscall(SYS_arch_prctl, set_cpuid, 1UL);
    __cpuid_count(leaf, sub, a, b, c, d);
    syscall(SYS_arch_prctl, set_cpuid, 0UL);
    if (leaf == 7 && sub == 0) {
        b &= ~newer_ebx;
        c &= ~newer_ecx;
        d &= ~newer_edx;
    } else if (leaf == 7 && sub == 1) {
        a &= ~newer_eax_1;
        d &= ~newer_edx_1;
    }
    r[REG_RAX] = a;
    r[REG_RBX] = b;
    r[REG_RCX] = c;
    r[REG_RDX] = d;
    r[REG_RIP] += 2;
}

int mask_cpuid(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &before) != 0) return -1;
    if (syscall(SYS_arch_prctl, set_cpuid, 0UL) == 0) return 0;
    sigaction(SIGSEGV, &before, 0);
    return -1;
}
#else
int mask_cpuid(void) { return -1; }
#endif
