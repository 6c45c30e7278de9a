//! Rotary positions: which layers have them, the base of their wavelengths and its scaling, in both forms of
//! `config.json` (`rope_theta` with `rope_scaling`, and `rope_parameters`), where transformers looks for them.

use serde_json::{Map, Value, json};

use super::{is_off, layers, spelt};
use crate::{
    model::families::{ModelFamily, Positions},
    system::quoting::shortened,
};

/// 1 for each layer with rotary positions, 0 for each without, in families that have both.
pub(super) fn spared(fields: &Map<String, Value>, family: &ModelFamily) -> Result<Option<Vec<u8>>, String> {
    let (Positions::Spared { interval, .. }, Some(count)) = (family.positions, layers(fields)) else {
        return Ok(None);
    };
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    if let Some(list) = given("no_rope_layers") {
        let entry = |value: &Value| match value.as_u64() {
            Some(0) => Some(0),
            Some(1) => Some(1),
            _ => None,
        };
        let all: Option<Vec<u8>> = list.as_array().and_then(|list| list.iter().map(entry).collect());
        return all.filter(|all| all.len() == count).map(Some).ok_or_else(|| {
            format!(
                "config.json: `no_rope_layers` is {}; it must have a 1 or a 0 for each of the {count} layers.",
                spelt(list)
            )
        });
    }
    let interval = match given("no_rope_layer_interval") {
        None => interval,
        Some(value) => value.as_u64().filter(|interval| *interval > 0).ok_or_else(|| {
            format!(
                "config.json: `no_rope_layer_interval` is {}; it must be a whole number from 1 on.",
                spelt(value)
            )
        })?,
    };
    Ok(Some((1..=count as u64).map(|layer| u8::from(!layer.is_multiple_of(interval))).collect()))
}

/// `rope_theta`, and `rope_scaling` and `rope_local_base_freq` if there are any.
pub(super) fn rope(fields: &Map<String, Value>, family: &ModelFamily) -> Result<Map<String, Value>, String> {
    let found = match family.positions {
        Positions::Everywhere { theta } | Positions::Spared { theta, .. } => {
            let name = ["rope_scaling", "rope_parameters"]
                .into_iter()
                .find(|name| fields.get(*name).is_some_and(|value| !is_off(value)));
            let rope = name.map(|name| Holder::new(fields, name)).transpose()?;
            let rope = rope.unwrap_or(Holder { path: "rope_parameters".into(), rope: Map::new() });
            [
                ("rope_theta", Some(rope.theta(fields, "rope_theta", theta))),
                ("rope_scaling", rope.scaling(fields)?),
                ("rope_local_base_freq", None),
            ]
        }
        Positions::ByLayerType { theta, local_theta } => {
            let [full, sliding] = by_layer_type(fields)?;
            if sliding.scaling(fields)?.is_some() {
                return Err(format!(
                    "config.json: `{}` scales the rotary positions of the layers with a window, which is not supported.",
                    sliding.path
                ));
            }
            [
                ("rope_theta", Some(full.theta(fields, "rope_theta", theta))),
                ("rope_scaling", full.scaling(fields)?),
                ("rope_local_base_freq", Some(sliding.theta(fields, "rope_local_base_freq", local_theta))),
            ]
        }
    };
    Ok(found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// What is said of the layers without a window and of those with one.
fn by_layer_type(fields: &Map<String, Value>) -> Result<[Holder; 2], String> {
    let kinds = ["full_attention", "sliding_attention"];
    let parameters = Holder::new(fields, "rope_parameters")?.rope;
    if let Some((key, value)) = parameters.iter().find(|(key, _)| !kinds.contains(&key.as_str())) {
        return Err(format!(
            "config.json: `{}` in `rope_parameters` is {}; in this family it has an object for `full_attention` and one \
             for `sliding_attention`.",
            shortened(key),
            spelt(value)
        ));
    }
    let [mut full, sliding] = kinds.map(|kind| Holder::new(&parameters, kind));
    // The old form: it belongs to the layers without a window.
    let scaling = Holder::new(fields, "rope_scaling")?;
    if !scaling.rope.is_empty() {
        if !scaling.rope.contains_key("rope_type") {
            return Err("config.json: `rope_scaling` has no `rope_type`, without which it is not heeded in this family; \
                        say which kind is meant."
                .into());
        }
        if let Ok(full) = &mut full {
            full.path = scaling.path;
            full.rope.extend(scaling.rope);
        }
    }
    let both = [full?, sliding?];
    for holder in &both {
        let kind = holder.rope.get("rope_type").or(holder.rope.get("type")).and_then(Value::as_str);
        if kind.is_some_and(|kind| kind != "default" && kind != "linear") {
            return Err(format!(
                "config.json: `{}` has the `rope_type` {}; in this family only `default` and `linear` are supported.",
                holder.path,
                spelt(&json!(kind))
            ));
        }
    }
    Ok(both)
}

/// An object that describes rotary positions.
struct Holder {
    /// Its name, for sentences.
    path: String,
    rope: Map<String, Value>,
}

impl Holder {
    /// Empty if the field is missing.
    fn new(fields: &Map<String, Value>, name: &str) -> Result<Self, String> {
        let rope = match fields.get(name) {
            Some(Value::Object(rope)) => rope.clone(),
            None => Map::new(),
            Some(value) if is_off(value) => Map::new(),
            Some(value) => {
                return Err(format!("config.json: `{name}` is {}; it must be an object.", spelt(value)));
            }
        };
        Ok(Self { path: name.to_owned(), rope })
    }

    /// The base of the wavelengths: its own, the one beside it, or the family's.
    fn theta(&self, fields: &Map<String, Value>, beside: &str, default: f64) -> Value {
        let given = [self.rope.get("rope_theta"), fields.get(beside)];
        given.into_iter().flatten().find(|value| !value.is_null()).cloned().unwrap_or(default.into())
    }

    fn kind(&self) -> Result<&str, String> {
        let of = |key: &str| self.rope.get(key).filter(|value| !value.is_null());
        let (kind, other) = (of("rope_type").or(of("type")), of("type"));
        let known = ["default", "linear", "llama3", "yarn"];
        let Some(kind) = kind else { return Ok("default") };
        if other.is_some_and(|other| other != kind) {
            return Err(format!(
                "config.json: `{}` has the `rope_type` {} and the `type` {}; remove the wrong one.",
                self.path,
                spelt(kind),
                spelt(other.unwrap_or(kind))
            ));
        }
        kind.as_str().filter(|kind| known.contains(kind)).ok_or_else(|| {
            format!(
                "config.json: `{}` has the `rope_type` {}; of the scalings of rotary positions only `linear`, `llama3` \
                 and `yarn` are supported.",
                self.path,
                spelt(kind)
            )
        })
    }

    /// The scaling in the form of [`Scaling`](crate::model::rope::Scaling), if there is one.
    fn scaling(&self, fields: &Map<String, Value>) -> Result<Option<Value>, String> {
        let kind = self.kind()?;
        let keys: &[&str] = match kind {
            "linear" => &["factor"],
            "llama3" => &["factor", "low_freq_factor", "high_freq_factor", OLD_LENGTH],
            "yarn" => &[
                "factor",
                "attention_factor",
                "beta_fast",
                "beta_slow",
                "mscale",
                "mscale_all_dim",
                "truncate",
                OLD_LENGTH,
            ],
            _ => &[],
        };
        for (key, value) in &self.rope {
            let understood = match key.as_str() {
                "rope_theta" | "rope_type" | "type" => true,
                "partial_rotary_factor" => value.as_f64() == Some(1.0),
                key => keys.contains(&key),
            };
            if !(understood || value.is_null()) {
                return Err(format!(
                    "config.json: `{}` in `{}` is {}; it changes the rotary positions and is not supported.",
                    shortened(key),
                    self.path,
                    spelt(value)
                ));
            }
        }
        Ok(Some(match kind {
            "linear" => json!({"rope_type": kind, "factor": self.needed("factor")?}),
            "llama3" => {
                let (low, high) = (self.needed("low_freq_factor")?, self.needed("high_freq_factor")?);
                if low >= high {
                    return Err(format!(
                        "config.json: `low_freq_factor` in `{}` is {low}; it must be less than `high_freq_factor`, \
                         which is {high}.",
                        self.path
                    ));
                }
                json!({"rope_type": kind, "factor": self.needed("factor")?, "low_freq_factor": low,
                    "high_freq_factor": high, OLD_LENGTH: self.old_length(fields)?})
            }
            "yarn" => self.yarn(fields)?,
            _ => return Ok(None),
        }))
    }

    fn yarn(&self, fields: &Map<String, Value>) -> Result<Value, String> {
        let factor = self.needed("factor")?;
        let growth = |scale: f64| if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 };
        let attention_factor = match (self.number("attention_factor")?, self.number("mscale")?) {
            (Some(given), _) => given,
            (None, Some(scale)) => match self.number("mscale_all_dim")? {
                Some(all) => growth(scale) / growth(all),
                None => growth(1.0),
            },
            (None, None) => growth(1.0),
        };
        let truncate = match self.rope.get("truncate") {
            None => true,
            Some(Value::Bool(truncate)) => *truncate,
            Some(other) => {
                return Err(format!(
                    "config.json: `truncate` in `{}` is {}; it must be true or false.",
                    self.path,
                    spelt(other)
                ));
            }
        };
        Ok(json!({"rope_type": "yarn", "factor": factor, "attention_factor": attention_factor,
            "beta_fast": self.number("beta_fast")?.unwrap_or(32.0),
            "beta_slow": self.number("beta_slow")?.unwrap_or(1.0),
            "truncate": truncate, OLD_LENGTH: self.old_length(fields)?}))
    }

    /// The length that the model was first trained on. transformers prefers the field outside, and so refuses to guess
    /// here if the two differ.
    fn old_length(&self, fields: &Map<String, Value>) -> Result<u64, String> {
        let of = |fields: &Map<String, Value>, name: &str| match fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().filter(|length| (1..=1 << 32).contains(length)) {
                Some(length) => Ok(Some(length)),
                None => Err(format!(
                    "config.json: `{name}` for `{}` is {}; it must be a number of positions.",
                    self.path,
                    spelt(value)
                )),
            },
        };
        match (of(&self.rope, OLD_LENGTH)?, of(fields, OLD_LENGTH)?) {
            (Some(inside), Some(outside)) if inside != outside => Err(format!(
                "config.json: `{OLD_LENGTH}` is {outside}, but {inside} in `{}`; make them the same.",
                self.path
            )),
            (Some(length), _) | (None, Some(length)) => Ok(length),
            (None, None) => Ok(of(fields, "max_position_embeddings")?.unwrap_or(2048)),
        }
    }

    /// A positive number, if the key is there.
    fn number(&self, key: &str) -> Result<Option<f64>, String> {
        let Some(value) = self.rope.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
        value.as_f64().filter(|number| number.is_finite() && *number > 0.0).map(Some).ok_or_else(|| {
            format!(
                "config.json: `{key}` in `{}` is {}; it must be a positive number.",
                self.path,
                spelt(value)
            )
        })
    }

    fn needed(&self, key: &str) -> Result<f64, String> {
        self.number(key)?.ok_or_else(|| {
            let kind = self.kind().unwrap_or_default();
            format!("config.json: `{key}` is missing in `{}`; the `rope_type` `{kind}` needs it.", self.path)
        })
    }
}

const OLD_LENGTH: &str = "original_max_position_embeddings";
