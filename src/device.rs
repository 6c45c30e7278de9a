//! Chooses the compute backend, the GPU through wgpu or the CPU, and says why.
//!
//! Drivers are foreign code that may crash, panic, stall or pass the CPU off as a graphics card. Adapters are
//! therefore listed first, in a separate process with a time limit; software rasterizers are told apart from
//! real cards; and a card is trusted only after it has computed something correctly.

mod adapters;
#[cfg_attr(not(feature = "gpu"), path = "device/no_gpu.rs")]
mod gpu;
mod request;

use std::{
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};

use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use adapters::{adapters, ask_in_a_process, print_adapters};
pub use request::{BackendRequest, UnknownBackend};

use crate::kernels::unit;

/// Time limit for opening a card and compiling one kernel. Software rasterizers take about ten seconds.
const OPEN_LIMIT: Duration = Duration::from_secs(60);
/// Environment variable that, set to 1, lets `wgpu` run on a software rasterizer: correct but slow, for
/// tests.
pub(crate) const ALLOW_SOFTWARE: &str = "AHA_ALLOW_SOFTWARE_GPU";

/// A backend, chosen and ready.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The device on which tensors are created, without autodiff.
    pub device: Device,
    /// `cpu`, or the adapter's own name.
    pub name: String,
    /// Why this backend was chosen, as a sentence.
    pub reason: String,
    /// Whether it computes through wgpu, including on a software rasterizer if that was allowed.
    pub is_gpu: bool,
}

/// Why no backend could be chosen, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// The name is not a backend.
    #[error(transparent)]
    UnknownBackend(#[from] UnknownBackend),
    /// wgpu was requested of a program that does not have it.
    #[error(
        "The backend `wgpu` was requested, but this program was built for the CPU alone; build it without \
         `--no-default-features --features cpu`, or use `auto` or `cpu`."
    )]
    NotBuiltIn,
    /// wgpu was requested, but there is no adapter.
    #[error("The backend `wgpu` was requested, but this machine has no GPU adapter; use `auto` or `cpu`.")]
    NoAdapter,
    /// wgpu was requested, but the only adapters are rasterizers that run on the CPU.
    #[error(
        "The backend `wgpu` was requested, but its only adapter, {0}, is software that runs on the CPU and is far \
         slower than the backend `cpu`; use that, or set {ALLOW_SOFTWARE}=1 to use it anyway."
    )]
    SoftwareOnly(String),
    /// The graphics drivers did not list their adapters.
    #[error("The GPU adapters could not be listed: {0}.")]
    List(String),
    /// The value of `AHA_LAB_VECTOR` cannot be used.
    #[error("{0}")]
    VectorUnit(String),
    /// The adapter exists but does not work.
    #[error("The GPU adapter {name} could not be used: {why}.")]
    Open {
        /// The adapter's name.
        name: String,
        /// What went wrong, without a full stop.
        why: String,
    },
}

/// One adapter as its driver describes it. A card appears once per graphics API that reaches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    /// The driver's name for it.
    pub name: String,
    /// `vulkan`, `metal`, `dx12` or `gl`.
    pub api: String,
    /// `discrete`, `integrated`, `virtual`, `cpu` or `other`.
    pub kind: String,
    /// The driver and its version; may be empty.
    pub driver: String,
    /// Whether it renders in software on the CPU.
    pub software: bool,
}

/// Rasterizers do not always declare themselves: OpenGL reports only the renderer's name.
fn names_software(text: &str) -> bool {
    let text = text.to_lowercase();
    let known = ["llvmpipe", "lavapipe", "softpipe", "swrast", "swiftshader", "basic render"];
    known.iter().any(|name| text.contains(name))
        || text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "warp")
}

/// Opens and tests the requested backend.
///
/// `auto` never fails for lack of a GPU: whatever is wrong with one becomes the reason for using the CPU.
///
/// # Errors
/// If `wgpu` is requested and there is no adapter, only a software one (see [`ALLOW_SOFTWARE`]), or one that
/// does not work; if the value of `AHA_LAB_VECTOR` cannot be used.
pub fn choose(request: BackendRequest) -> Result<Choice, DeviceError> {
    choose_among(request, adapters)
}

/// Like [`choose`], but the caller lists the adapters, and only when they are needed.
///
/// # Errors
/// As [`choose`].
pub(crate) fn choose_among(
    request: BackendRequest,
    adapters: impl FnOnce() -> Result<Vec<Adapter>, DeviceError>,
) -> Result<Choice, DeviceError> {
    unit::check().map_err(DeviceError::VectorUnit)?;
    if request == BackendRequest::Cpu {
        return Ok(cpu("The backend `cpu` was requested."));
    }
    let allow_software = std::env::var(ALLOW_SOFTWARE).is_ok_and(|value| value == "1");
    if !gpu::BUILT_IN {
        return match request {
            BackendRequest::Wgpu => Err(DeviceError::NotBuiltIn),
            _ => Ok(cpu("This program was built for the CPU alone.")),
        };
    }
    match plan(request, adapters(), allow_software)? {
        Plan::Cpu(reason) => Ok(cpu(reason)),
        Plan::Gpu { name } => match (open(&name), request) {
            (Ok((_, adapter)), BackendRequest::Auto) if adapter.software => Ok(cpu(format!(
                "The adapter that wgpu selects here, {}, is software that runs on the CPU, so the CPU backend is \
                 faster.",
                adapter.name
            ))),
            (Ok((_, adapter)), _) if adapter.software && !allow_software => {
                Err(DeviceError::SoftwareOnly(adapter.name))
            }
            (Ok((device, adapter)), _) => {
                Ok(Choice { device, reason: gpu_reason(request, &adapter), name: adapter.name, is_gpu: true })
            }
            (Err(error), BackendRequest::Auto) => Ok(cpu(format!("{error} So the CPU is used."))),
            (Err(error), _) => Err(error),
        },
    }
}

fn cpu(reason: impl Into<String>) -> Choice {
    Choice { device: Device::flex(), name: "cpu".into(), reason: reason.into(), is_gpu: false }
}

fn gpu_reason(request: BackendRequest, adapter: &Adapter) -> String {
    let what = if adapter.software { "software that runs on the CPU, allowed for tests" } else { "a GPU" };
    let asked = if request == BackendRequest::Wgpu { "The backend `wgpu` was requested, and " } else { "" };
    format!("{asked}{} ({}) is {what}.", adapter.name, adapter.api)
}

/// The decision before anything is opened.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Cpu(String),
    Gpu { name: String },
}

fn plan(
    request: BackendRequest,
    adapters: Result<Vec<Adapter>, DeviceError>,
    allow_software: bool,
) -> Result<Plan, DeviceError> {
    let auto = request != BackendRequest::Wgpu;
    let adapters = match adapters {
        Ok(adapters) => adapters,
        Err(error) if auto => return Ok(Plan::Cpu(format!("{error} So the CPU is used."))),
        Err(error) => return Err(error),
    };
    if let Some(card) = adapters.iter().find(|adapter| !adapter.software) {
        return Ok(Plan::Gpu { name: card.name.clone() });
    }
    match (adapters.into_iter().next(), auto) {
        (None, true) => Ok(Plan::Cpu("This machine has no GPU adapter, so the CPU is used.".into())),
        (None, false) => Err(DeviceError::NoAdapter),
        (Some(software), true) => Ok(Plan::Cpu(format!(
            "The only adapter, {}, is software that runs on the CPU, so the CPU backend is faster.",
            software.name
        ))),
        (Some(software), false) if allow_software => Ok(Plan::Gpu { name: software.name }),
        (Some(software), false) => Err(DeviceError::SoftwareOnly(software.name)),
    }
}

/// The wgpu device of this process. The runtime can be set up only once, so the device is kept.
static OPENED: Mutex<Option<(Device, Adapter)>> = Mutex::new(None);

/// Opens the default adapter, or returns it if it is already open. It need not be the expected one: drivers
/// and CUBECL_WGPU_DEFAULT_DEVICE decide.
fn open(expected: &str) -> Result<(Device, Adapter), DeviceError> {
    let failed = |why| DeviceError::Open { name: expected.into(), why };
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(open) = &*opened {
        return Ok(open.clone());
    }
    let open = within(OPEN_LIMIT, || {
        let (device, adapter) = gpu::open()?;
        try_out(&device)?;
        Ok((device, adapter))
    });
    let open = open.and_then(|result| result).map_err(failed)?;
    *opened = Some(open.clone());
    Ok(open)
}

/// Computes a known result in whole numbers, which every correct device gets exactly.
fn try_out(device: &Device) -> Result<(), String> {
    let x = Tensor::<1>::from_floats([1.0, 2.0, 3.0, 4.0], device);
    let y = (x.clone() * x).add_scalar(1.0).into_data();
    match y.try_to_vec::<f32>() {
        Ok(values) if values == [2.0, 5.0, 10.0, 17.0] => Ok(()),
        Ok(values) => Err(format!("it computed 1..4 squared plus 1 as {values:?}")),
        Err(error) => Err(format!("its result could not be read ({error:?})")),
    }
}

/// Runs foreign code that may panic or never return. A thread that never returns is abandoned.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .name("gpu-probe".into())
        .spawn(move || {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // After the time limit, nobody is listening.
            let _ = sender.send(outcome.map_err(|panic| panic_text(panic.as_ref())));
        })
        .map_err(|error| format!("no thread could be started ({error})"))?;
    match receiver.recv_timeout(limit) {
        Ok(outcome) => outcome.map_err(|text| format!("the graphics driver failed ({text})")),
        Err(_) => Err(format!("the graphics driver did not answer within {} seconds", limit.as_secs())),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
    text.unwrap_or("no message").lines().next().unwrap_or_default().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn adapter(name: &str, software: bool) -> Adapter {
        let kind = if software { "cpu" } else { "discrete" };
        Adapter {
            name: name.into(),
            api: "vulkan".into(),
            kind: kind.into(),
            driver: String::new(),
            software,
        }
    }

    #[test]
    fn rasterizers_are_known_by_name_and_cards_are_not_taken_for_them() {
        let software = [
            "llvmpipe (LLVM 15.0.6, 256 bits)",
            "SwiftShader Device (LLVM 10.0.0)",
            "Microsoft Basic Render Driver",
            "virgl (LLVMPIPE (LLVM 12.0.0))",
            "softpipe",
            "WARP 10",
        ];
        for name in software {
            assert!(names_software(name), "{name}");
        }
        for name in ["NVIDIA H100 PCIe", "AMD Radeon RX 7900", "Apple M3 Max", "Warpfire 9000", ""] {
            assert!(!names_software(name), "{name}");
        }
    }

    #[test]
    fn a_card_is_preferred_to_software_wherever_it_stands_in_the_list() {
        for request in [BackendRequest::Auto, BackendRequest::Wgpu] {
            let found = vec![adapter("llvmpipe", true), adapter("Radeon", false)];
            assert_eq!(plan(request, Ok(found), false), Ok(Plan::Gpu { name: "Radeon".into() }));
        }
    }

    #[test]
    fn auto_never_takes_software_even_where_it_is_allowed() {
        for allowed in [false, true] {
            let Ok(Plan::Cpu(reason)) =
                plan(BackendRequest::Auto, Ok(vec![adapter("llvmpipe", true)]), allowed)
            else {
                panic!("auto must take the CPU");
            };
            assert!(reason.contains("llvmpipe"), "{reason}");
        }
    }

    #[test]
    fn wgpu_takes_software_only_when_it_is_allowed() {
        let found = || Ok(vec![adapter("llvmpipe", true)]);
        assert_eq!(
            plan(BackendRequest::Wgpu, found(), false),
            Err(DeviceError::SoftwareOnly("llvmpipe".into()))
        );
        assert_eq!(plan(BackendRequest::Wgpu, found(), true), Ok(Plan::Gpu { name: "llvmpipe".into() }));
    }

    #[test]
    fn without_an_adapter_auto_takes_the_cpu_and_wgpu_is_refused() {
        assert!(matches!(plan(BackendRequest::Auto, Ok(vec![]), false), Ok(Plan::Cpu(_))));
        assert_eq!(plan(BackendRequest::Wgpu, Ok(vec![]), true), Err(DeviceError::NoAdapter));
        let stalled = || Err(DeviceError::List("the graphics driver did not answer".into()));
        assert!(matches!(plan(BackendRequest::Auto, stalled(), false), Ok(Plan::Cpu(_))));
        assert_eq!(plan(BackendRequest::Wgpu, stalled(), false), stalled().map(|_| Plan::Cpu(String::new())));
    }

    #[test]
    fn a_driver_that_panics_or_stalls_is_an_error_and_not_the_end() {
        let panicked = within(Duration::from_secs(30), || -> u8 { panic!("lost the device") });
        assert_eq!(panicked, Err("the graphics driver failed (lost the device)".into()));
        let (_keep_open, never) = mpsc::channel::<()>();
        let stalled = within(Duration::ZERO, move || never.recv().is_ok());
        assert!(stalled.unwrap_err().contains("did not answer"));
    }

    #[test]
    fn the_cpu_backend_computes_and_says_why() {
        let choice = choose(BackendRequest::Cpu).unwrap();
        assert!(!choice.is_gpu && choice.name == "cpu" && choice.reason.ends_with('.'));
        try_out(&choice.device).unwrap();
    }

    #[test]
    fn names_of_backends_read_back_and_others_are_refused_by_name() {
        for request in [BackendRequest::Auto, BackendRequest::Wgpu, BackendRequest::Cpu] {
            assert_eq!(request.to_string().parse(), Ok(request));
        }
        let error = "gpu".parse::<BackendRequest>().unwrap_err();
        assert!(error.to_string().contains("`gpu`"));
    }
}
