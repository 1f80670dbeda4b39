// Hooks that must leave no frame on the stack: a function `before` is called, and its answer is jumped to, with registers and
// stack as the caller of the hook left them.
#pragma once

#if defined(__x86_64__)
#define JUMP_HOOK(name, before)                                                                        \
  __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\nendbr64\n" \
          "push %rdi\n.cfi_adjust_cfa_offset 8\npush %rsi\n.cfi_adjust_cfa_offset 8\n"                \
          "push %rdx\n.cfi_adjust_cfa_offset 8\npush %rcx\n.cfi_adjust_cfa_offset 8\n"                \
          "push %r8\n.cfi_adjust_cfa_offset 8\npush %r9\n.cfi_adjust_cfa_offset 8\n"                 \
          "push %rax\n.cfi_adjust_cfa_offset 8\ncall " #before "\n"                                   \
          "pop %r9\n.cfi_adjust_cfa_offset -8\npop %r9\n.cfi_adjust_cfa_offset -8\npop %r8\n"          \
          ".cfi_adjust_cfa_offset -8\npop %rcx\n.cfi_adjust_cfa_offset -8\n"                        \
          "pop %rdx\n.cfi_adjust_cfa_offset -8\npop %rsi\n.cfi_adjust_cfa_offset -8\n"                \
          "pop %rdi\n.cfi_adjust_cfa_offset -8\njmp *%rax\n.cfi_endproc\n.size " #name ", .-" #name "\n")
#else
#define JUMP_HOOK(name, before)                                                          \
  __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n.cfi_startproc\n" \
          "stp x29, x30, [sp, #-80]!\n.cfi_adjust_cfa_offset 80\nstp x0, x1, [sp, #16]\n" \
          "stp x2, x3, [sp, #32]\nstp x4, x5, [sp, #48]\nstp x6, x7, [sp, #64]\n"       \
          "bl " #before "\nmov x16, x0\nldp x0, x1, [sp, #16]\nldp x2, x3, [sp, #32]\n"    \
          "ldp x4, x5, [sp, #48]\nldp x6, x7, [sp, #64]\n"                               \
          "ldp x29, x30, [sp], #80\n.cfi_adjust_cfa_offset -80\n"      \
          "br x16\n.cfi_endproc\n.size " #name ", .-" #name "\n")
#endif
