//! What asks wgpu: the adapters that there are, and the one that it opens.

use std::task::{Context, Poll, Waker};

use burn::tensor::Device;
use burn_wgpu::wgpu;

use super::{Adapter, names_software};

/// Whether this program was built with a GPU stack.
pub(super) const BUILT_IN: bool = true;

/// Every adapter that the graphics drivers offer.
pub(super) fn list() -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle().with_env());
    let listing = std::pin::pin!(instance.enumerate_adapters(wgpu::Backends::all()));
    // Outside browsers the list is ready at once; nothing would ever wake this task.
    match listing.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => found.iter().map(|adapter| described(&adapter.get_info())).collect(),
        Poll::Pending => Vec::new(),
    }
}

/// Opens the default adapter.
///
/// # Errors
/// What went wrong, without a full stop.
pub(super) fn open() -> Result<(Device, Adapter), String> {
    let (device, setup) = Device::wgpu_options().init_with_setup().map_err(|error| error.to_string())?;
    Ok((device, described(&setup.adapter.get_info())))
}

fn described(info: &wgpu::AdapterInfo) -> Adapter {
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "cpu",
        wgpu::DeviceType::Other => "other",
    };
    let driver = format!("{} {}", info.driver, info.driver_info);
    Adapter {
        name: info.name.clone(),
        api: info.backend.to_str().into(),
        kind: kind.into(),
        software: kind == "cpu" || names_software(&info.name) || names_software(&driver),
        driver: driver.trim().into(),
    }
}
