//! The policy on simulated machines: thousands of tasks, up to 256 processors, and clocks that
//! misbehave. Every machine prints its seed.

#[cfg(test)]
mod clocks;
#[cfg(test)]
mod many_cpus;
#[cfg(test)]
mod one_cpu;
#[cfg(test)]
mod sim;
