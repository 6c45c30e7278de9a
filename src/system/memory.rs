//! How much memory the machine has, and whether a configuration can possibly fit.

use serde::Serialize;

use crate::system::files;

/// The memory of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Memory {
    /// Total memory.
    pub total_bytes: u64,
    /// Memory that could be allocated now.
    pub available_bytes: u64,
}

impl Memory {
    /// Read from `/proc/meminfo` and capped by the limit of the control group, if there is one; `None` if the
    /// memory is unknown.
    pub(crate) fn of_this_machine() -> Option<Self> {
        of_this_machine()
    }
}

fn of_this_machine() -> Option<Memory> {
    let mut memory = parse_meminfo(&files::text("/proc/meminfo")?)?;
    let read = |file: &str| files::text(&format!("/sys/fs/cgroup/{file}"))?.trim().parse::<u64>().ok();
    if let Some(limit) = read("memory.max").filter(|limit| *limit < memory.total_bytes) {
        memory.total_bytes = limit;
        let free = limit.saturating_sub(read("memory.current").unwrap_or(0));
        memory.available_bytes = memory.available_bytes.min(free);
    }
    Some(memory)
}

fn parse_meminfo(text: &str) -> Option<Memory> {
    let kibibytes = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some(Memory {
        total_bytes: kibibytes("MemTotal")? * 1024,
        available_bytes: kibibytes("MemAvailable")? * 1024,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes_and_a_file_without_it_gives_nothing() {
        let text = "MemTotal:       24000000 kB\nMemFree:  1 kB\nMemAvailable:   22000000 kB\n";
        let expected = Memory { total_bytes: 24_000_000 * 1024, available_bytes: 22_000_000 * 1024 };
        assert_eq!(parse_meminfo(text), Some(expected));
        assert_eq!(parse_meminfo("MemTotal: lots"), None);
    }
}
