//! What a process that renders gives up before it sees the first image: memory beyond its share, files, the network,
//! other processes.
//!
//! Several layers, each enough against most of what an attacker could want. Resource limits are everywhere; Landlock
//! and seccomp are Linux's, the latter here for `x86_64` and `aarch64`. A layer that the kernel does not have, or that a
//! container forbids, is done without and named, so that the log can say so.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// What came of a layer: its name in the log, or why it is missing.
pub(super) type Layer = Result<String, String>;

/// Limits the address space to this many bytes, and takes away files, processes and core dumps. The file descriptors
/// that are open stay open.
pub(super) fn limit_resources(address_space: u64) -> io::Result<()> {
    let limit = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::As, address_space)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, 3)?;
    // The threads that there are stay. It does not bind root.
    limit(Resource::Nproc, 0)?;
    Ok(())
}

/// How many bytes of address space this process has; it counts the program itself, so what is allowed comes on top.
pub(super) fn address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmSize:")?.split_whitespace().next()?.parse().ok());
    kibibytes.unwrap_or(0_u64).saturating_mul(1024)
}

/// Landlock: no path can be opened, made, changed or run, and no TCP socket bound or connected; from Linux 6.12 on no signal
/// and no abstract Unix socket reaches another process. It holds for this thread and those that it starts.
#[cfg(target_os = "linux")]
pub(super) fn landlock() -> Layer {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr as _,
        RulesetError, RulesetStatus, Scope,
    };

    // Everything that the library knows of is handled, and no rule allows any of it. What the kernel does not know is left
    // out.
    let all = ABI::V10;
    let restrict = || -> Result<RestrictionStatus, RulesetError> {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(all))?
            .handle_access(AccessNet::from_all(all))?
            .scope(Scope::from_all(all))?;
        ruleset.create()?.restrict_self()
    };
    match restrict() {
        Err(error) => Err(format!("Landlock ({error})")),
        Ok(RestrictionStatus { ruleset: RulesetStatus::NotEnforced, .. }) => {
            Err("Landlock (not in this kernel)".to_owned())
        }
        Ok(RestrictionStatus { landlock: LandlockStatus::Available { effective_abi, .. }, .. }) => {
            Ok(format!("Landlock ABI {}", effective_abi as i32))
        }
        Ok(_) => Ok("Landlock".to_owned()),
    }
}

/// There is none.
#[cfg(not(target_os = "linux"))]
pub(super) fn landlock() -> Layer {
    Err("Landlock (not in this system)".to_owned())
}

/// seccomp: of the system calls only those that rendering needs, in all threads of this process. None of them opens, starts
/// or reaches anything; code cannot be made at run time.
///
/// The others fail with `EPERM` rather than end the process: the C library asks for this and that which it can do without
/// (how many processors there are, say), and which of it differs between its versions.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn seccomp() -> Layer {
    let filter = filter().map_err(|error| format!("seccomp ({error})"))?;
    match seccompiler::apply_filter_all_threads(&filter) {
        Ok(()) => Ok("seccomp".to_owned()),
        Err(error) => Err(format!("seccomp ({error})")),
    }
}

/// Not for this system.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn seccomp() -> Layer {
    Err("seccomp (not on this system)".to_owned())
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn filter() -> Result<seccompiler::BpfProgram, seccompiler::BackendError> {
    use seccompiler::{
        SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    /// Allowed, whatever their arguments.
    const ALLOWED: [libc::c_long; 19] = [
        // The pipes: no other file is open, and none can be opened.
        libc::SYS_read,
        libc::SYS_write,
        // Memory; see below for the others.
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        // Threads that wait for one another.
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_restart_syscall,
        // Time, and seeds of hash maps.
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        // A stack that overflows, and an end with `abort`: both are signals to itself.
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_getpid,
        libc::SYS_gettid,
        // The end.
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    // `mmap` and `mprotect` have the protection as their third argument.
    let no_code = SeccompCmpOp::MaskedEq(libc::PROT_EXEC.unsigned_abs().into());
    let no_code = || SeccompRule::new(vec![SeccompCondition::new(2, Dword, no_code.clone(), 0)?]);
    let to_itself = SeccompCondition::new(0, Dword, SeccompCmpOp::Eq, std::process::id().into())?;
    let mut rules: std::collections::BTreeMap<_, _> = ALLOWED.map(|call| (call, Vec::new())).into();
    rules.insert(libc::SYS_mmap, vec![no_code()?]);
    rules.insert(libc::SYS_mprotect, vec![no_code()?]);
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_itself])?]);

    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?.try_into()
}
