//! A fixed set of worker threads, each computing on one core.
//!
//! The CPU backend parallelises large products but not the many small operations between them. Giving each
//! core its own rows keeps all cores busy. Each worker runs inside a rayon pool of one thread, so that a
//! product inside it stays on its core.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::system::files;

/// The workers. Shards are always numbered in the same order, so sums over them are repeatable.
pub struct Workers {
    pools: Vec<ThreadPool>,
}

impl Workers {
    /// Starts `count` workers, at least one.
    ///
    /// # Errors
    /// If the operating system cannot start more threads.
    pub fn new(count: usize) -> Result<Self, ThreadPoolBuildError> {
        let pools = (0..count.max(1))
            .map(|i| {
                ThreadPoolBuilder::new().num_threads(1).thread_name(move |_| format!("worker-{i}")).build()
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { pools })
    }

    /// Number of workers.
    pub fn count(&self) -> usize {
        self.pools.len()
    }

    /// Runs one job per worker (at most as many jobs as workers) and returns the results in order. A panic in
    /// a job is passed on to the caller once all jobs are done.
    pub fn run<Job, Out>(&self, jobs: Vec<Job>) -> Vec<Out>
    where
        Job: FnOnce() -> Out + Send,
        Out: Send,
    {
        std::thread::scope(|scope| {
            let running: Vec<_> = jobs
                .into_iter()
                .zip(&self.pools)
                .map(|(job, pool)| scope.spawn(move || pool.install(job)))
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }
}

/// The number of workers for a configured `threads`: that number, or one per physical core if it is 0. (Two
/// threads of one core share the vector units, which are the bottleneck here.)
pub(crate) fn worker_count(threads: usize) -> usize {
    if threads > 0 {
        return threads;
    }
    let logical = std::thread::available_parallelism().map_or(1, usize::from);
    let physical = physical_cores().unwrap_or(logical);
    physical.min(logical).max(1)
}

/// The number of physical cores according to `/proc/cpuinfo`; `None` if unknown.
fn physical_cores() -> Option<usize> {
    let text = files::text("/proc/cpuinfo")?;
    let mut cores = std::collections::BTreeSet::new();
    let (mut package, mut core) = (None, None);
    for line in text.lines().chain([""]) {
        let mut halves = line.splitn(2, ':').map(str::trim);
        match (halves.next(), halves.next()) {
            (Some("physical id"), Some(value)) => package = value.parse::<u32>().ok(),
            (Some("core id"), Some(value)) => core = value.parse::<u32>().ok(),
            (Some(""), None) => {
                if let (Some(package), Some(core)) = (package.take(), core.take()) {
                    cores.insert((package, core));
                }
            }
            _ => {}
        }
    }
    (!cores.is_empty()).then_some(cores.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn results_come_back_in_order() {
        let workers = Workers::new(3).unwrap();
        let jobs: Vec<_> = (0..3).map(|i| move || i * 10).collect();
        assert_eq!(workers.run(jobs), [0, 10, 20]);
    }
}
