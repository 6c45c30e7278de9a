//! Which layers attend with a window, and how wide it is, where transformers looks for it in each family.

use serde_json::{Map, Value, json};

use super::{is_off, layers, spelt};
use crate::model::families::{ModelFamily, Window};

const FULL: &str = "full_attention";
const SLIDING: &str = "sliding_attention";

/// `sliding_window` and `layer_types` if a layer has a window, else nothing. `spared` has a 0 for each layer without
/// rotary positions.
pub(super) fn windows(
    fields: &Map<String, Value>,
    family: &ModelFamily,
    spared: Option<&[u8]>,
) -> Result<Map<String, Value>, String> {
    let Some(count) = layers(fields) else { return Ok(Map::new()) };
    let types = layer_types(fields, count)?;
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let used = fields.get("use_sliding_window").is_some_and(|value| !is_off(value));
    let every = |slides: &dyn Fn(usize) -> bool| (0..count).map(slides).collect::<Vec<bool>>();
    let (width, by_default) = match family.window {
        Window::Nowhere => return nowhere(fields, family, types, used),
        Window::Everywhere { default } => {
            let width = width(fields, Some(default))?;
            (width, every(&|_| width.is_some()))
        }
        Window::LaterLayers { first } => {
            let width = width(fields, Some(4096))?.filter(|_| used);
            let first = number("max_window_layers").unwrap_or(first);
            (width, every(&|i| width.is_some() && i as u64 >= first))
        }
        Window::SparedLayers => {
            let width = width(fields, None)?.filter(|_| used);
            let roped = |i: usize| spared.and_then(|layers| layers.get(i)) != Some(&0);
            (width, every(&|i| width.is_some() && !roped(i)))
        }
        Window::AllButEvery { pattern, default } => {
            let pattern = pattern_of(fields, pattern, types.is_some())?;
            (width(fields, Some(default))?, every(&|i| !(i as u64 + 1).is_multiple_of(pattern)))
        }
    };
    if let Some(types) = types.as_ref().filter(|types| **types != by_default)
        && matches!(family.window, Window::Everywhere { .. })
    {
        return Err(format!(
            "config.json: `layer_types` has {} layers of `{SLIDING}`, but in a model of the type `{}` `sliding_window` \
             alone decides, for all layers.",
            types.iter().filter(|slides| **slides).count(),
            family.model_type
        ));
    }
    let slides = types.unwrap_or(by_default);
    match width {
        _ if !slides.contains(&true) => Ok(Map::new()),
        None => Err(format!(
            "config.json: `layer_types` has layers of `{SLIDING}`, but there is no window for them: set \
             `sliding_window`, and `use_sliding_window` where the family has it."
        )),
        Some(width) => {
            let types: Vec<&str> =
                slides.into_iter().map(|slides| if slides { SLIDING } else { FULL }).collect();
            let fields = [("sliding_window", json!(width)), ("layer_types", json!(types))];
            Ok(fields.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
        }
    }
}

/// Whether each layer has a window, if `layer_types` says so.
fn layer_types(fields: &Map<String, Value>, count: usize) -> Result<Option<Vec<bool>>, String> {
    let Some(types) = fields.get("layer_types").filter(|value| !value.is_null()) else { return Ok(None) };
    let slides = |kind: &Value| match kind.as_str() {
        Some(FULL) => Some(false),
        Some(SLIDING) => Some(true),
        _ => None,
    };
    let all: Option<Vec<bool>> = types.as_array().and_then(|types| types.iter().map(slides).collect());
    all.filter(|all| all.len() == count).map(Some).ok_or_else(|| {
        format!(
            "config.json: `layer_types` is {}; it must say `{FULL}` or `{SLIDING}` for each of the {count} layers.",
            spelt(types)
        )
    })
}

/// `sliding_window`.
fn width(fields: &Map<String, Value>, default: Option<u64>) -> Result<Option<u64>, String> {
    match fields.get("sliding_window") {
        None => Ok(default),
        Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|width| (1..=1 << 24).contains(width)) {
            Some(width) => Ok(Some(width)),
            None => Err(format!(
                "config.json: `sliding_window` is {}; it must be a number of positions from 1 on, or null.",
                spelt(value)
            )),
        },
    }
}

/// In families without windows, one is refused, unless it is never shorter than a sequence and so changes nothing.
fn nowhere(
    fields: &Map<String, Value>,
    family: &ModelFamily,
    types: Option<Vec<bool>>,
    used: bool,
) -> Result<Map<String, Value>, String> {
    let most = fields.get("max_position_embeddings").and_then(Value::as_u64);
    let acts = width(fields, None)?.is_some_and(|width| most.is_none_or(|most| width < most));
    let name = match (types.is_some_and(|types| types.contains(&true)), used, acts) {
        (true, ..) => "layer_types",
        (_, true, _) => "use_sliding_window",
        (.., true) => "sliding_window",
        _ => return Ok(Map::new()),
    };
    Err(format!(
        "config.json: `{name}` is {}, but a model of the type `{}` attends without a window. Where the model has none, \
         set `sliding_window` to null.",
        fields.get(name).map(spelt).unwrap_or_default(),
        family.model_type
    ))
}

/// `sliding_window_pattern`. Newer configurations keep it under another name beside `layer_types`, where nothing reads
/// it.
fn pattern_of(fields: &Map<String, Value>, default: u64, has_types: bool) -> Result<u64, String> {
    for name in ["sliding_window_pattern", "_sliding_window_pattern"] {
        let Some(value) = fields.get(name).filter(|value| !value.is_null() && !has_types) else { continue };
        let pattern = value.as_u64().filter(|pattern| *pattern > 0);
        let is_read = name == "sliding_window_pattern";
        return pattern.filter(|pattern| is_read || *pattern == default).ok_or_else(|| {
            format!(
                "config.json: `{name}` is {}, which does not say which layers have a window; give `layer_types`.",
                spelt(value)
            )
        });
    }
    Ok(default)
}
