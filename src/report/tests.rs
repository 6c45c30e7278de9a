#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, path::Path};

use super::*;

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn page(files: &[(String, Vec<u8>)]) -> String {
    let (_, bytes) = files.iter().find(|(name, _)| name == "index.html").unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

/// A file of completions, each with this text in every place that a stranger can fill.
fn strangers(home: &Path, text: &str) -> Told {
    let path = home.join("a'b<i>.jsonl");
    let line = |step: u64, reward: f64| {
        serde_json::json!({
            "step": step, "prompt": text, "completion": text, "reward": reward, "task": text, "correct": true,
            text: text, "uid": text, "rewards": {text: 1.0}
        })
    };
    let lines: String = (1..=12).map(|step| format!("{}\n", line(step, 0.5))).collect();
    fs::write(&path, lines).unwrap();
    Told::of(&path).unwrap()
}

/// Tags that the page's own markup has.
fn tags(page: &str) -> Vec<String> {
    let mut names: Vec<String> = page
        .split('<')
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect::<String>())
        .filter(|name| !name.is_empty() && !name.starts_with('/'))
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn a_run_has_all_its_parts() {
    let told = Told::of(&repository("tests/data/trl-run")).unwrap();
    let files = files(&[told]);
    let page = page(&files);
    for part in ["id=\"curves\"", "id=\"aha\"", "id=\"meter\"", "id=\"samples\"", "id=\"origin\""] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        page.contains("TRL 1.16.0") && page.contains("its engine&#39;s own files")
            || page.contains("was not trained by the lab")
    );
    assert!(!page.contains("preset lab"), "what TRL does not tell is not told");
    assert!(page.matches("<figure").count() >= 4);
    // One picture for each curve, and nothing in it but shapes and text.
    let pictures: Vec<&(String, Vec<u8>)> = files.iter().filter(|(name, _)| name.ends_with(".svg")).collect();
    assert!(pictures.iter().any(|(name, _)| name == "reward.svg") && pictures.len() >= 4);
    for (name, bytes) in pictures {
        let svg = String::from_utf8(bytes.clone()).unwrap();
        assert!(svg.starts_with("<?xml") && svg.ends_with("</svg>"), "{name}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
    }
}

#[test]
fn nothing_is_loaded_and_only_this_programs_script_may_run() {
    let home = tempfile::tempdir().unwrap();
    let page = page(&files(&[strangers(home.path(), "words")]));
    assert!(
        page.contains("default-src 'none'; style-src 'sha256-") && page.contains("script-src 'sha256-"),
        "{page}"
    );
    assert!(!page.contains("unsafe"));
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("<style").count(), 1);
    for loaded in
        ["src=", "@import", "url(", "<link", "<img", "<iframe", "style=\"", " onclick", "javascript:"]
    {
        assert!(!page.contains(loaded), "{loaded}");
    }
    // The only addresses are the names of SVG and those of this page's own parts.
    let addresses = page.match_indices("http").filter(|(at, _)| !page[*at..].starts_with("http-equiv"));
    for (at, _) in addresses {
        assert!(page[at..].starts_with("http://www.w3.org/2000/svg"), "{}", &page[at..at + 40]);
    }
}

#[test]
fn a_strangers_text_is_only_text() {
    let home = tempfile::tempdir().unwrap();
    let plain = tags(&page(&files(&[strangers(home.path(), "words")])));
    for attack in [
        "</script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</style><svg/onload=alert(1)>",
        "--><!--<b>",
        "&lt;script&gt;",
        "]]>\u{0}\u{1b}[2J\u{202e}",
        "\u{2028}</title><base href=//evil>",
    ] {
        let files = files(&[strangers(home.path(), attack)]);
        let page = page(&files);
        assert_eq!(tags(&page), plain, "{attack}");
        assert!(!page.contains("<script>alert") && !page.contains("onerror=alert(1)>"), "{attack}");
        let in_an_attribute = page.split("data-").skip(1).all(|rest| !rest.starts_with("x onerror"));
        assert!(in_an_attribute && !page.contains('\u{1b}') && !page.contains('\u{202e}'), "{attack}");
        for (name, bytes) in files {
            assert!(!name.contains(['/', '<', '"', '\'']), "{name}");
            assert!(!String::from_utf8(bytes).unwrap().contains("<script>alert"), "{name}");
        }
    }
}

#[test]
fn seeds_are_one_group_and_a_control_another() {
    let home = tempfile::tempdir().unwrap();
    let run = |name: &str, lines: &str, accuracy: f64| {
        let path = home.path().join(name);
        fs::create_dir_all(&path).unwrap();
        let provenance = "[provenance]\nmodel_hash = \"x\"\nprogram_version = \"0\"\nbackend = \"cpu x2\"\ncreated = \
                          \"2026-01-01T00:00:00Z\"\n";
        fs::write(path.join("config.toml"), format!("schema_version = 1\n{lines}\n{provenance}")).unwrap();
        let step = |step: u64| {
            let value = accuracy * step as f64 / 20.0;
            format!(
                "{{\"step\":{step},\"accuracy\":{value},\"reasoning/self_corrections\":{},\"step_time\":1.0}}\n",
                value * 4.0
            )
        };
        fs::write(path.join("metrics.jsonl"), (1..=20).map(step).collect::<String>()).unwrap();
        for log in ["rollouts.jsonl", "events.jsonl"] {
            fs::write(path.join(log), "").unwrap();
        }
        Told::of(&path).unwrap()
    };
    let runs = [
        run("one", "seed = 1", 0.6),
        run("two", "seed = 2", 0.8),
        run("coin", "seed = 1\ncontrol = \"random-reward\"", 0.1),
    ];
    let groups = groups::of(&runs);
    let told: Vec<(&str, &[usize])> =
        groups.iter().map(|group| (group.label.as_str(), &group.runs[..])).collect();
    assert_eq!(told, [("2 seeds", &[0, 1][..]), ("control=random-reward", &[2])]);
    let files = files(&runs);
    let page = page(&files);
    assert!(page.contains("2 seeds, mean of 2") && page.contains("id=\"runs\""), "{page}");
    assert!(page.contains("class=\"band c0\"") && !page.contains("class=\"band c1\""));
    assert!(page.contains("--set control=random-reward"), "how to repeat the control");
    // The means of the last ten steps of both, and how far they lie apart.
    let mean = |most: f64| (11..=20).map(|step| most * f64::from(step) / 20.0).sum::<f64>() / 10.0;
    let spread = format!(
        "<b>{}</b> ({} to {})",
        crate::metrics::format::value((mean(0.6) + mean(0.8)) / 2.0),
        crate::metrics::format::value(mean(0.6)),
        crate::metrics::format::value(mean(0.8))
    );
    assert!(page.contains(&spread), "{spread}");
}

#[test]
fn samples_are_few_and_spread_over_all_steps() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("long.jsonl");
    let line = |step: u64| {
        let correct = step % 2 == 0;
        format!(
            "{{\"step\":{step},\"prompt\":\"p\",\"completion\":\"c\",\"reward\":1.0,\"task\":\"t\",\"correct\":{correct}}}\n"
        )
    };
    fs::write(&path, (1..=1000).map(line).collect::<String>()).unwrap();
    let told = Told::of(&path).unwrap();
    assert_eq!((told.completions, told.last_step()), (1000, 1000));
    let steps: Vec<u64> = told.samples.keys().copied().collect();
    assert!(steps.len() <= 24 && steps[0] == 1 && *steps.last().unwrap() == 1000, "{steps:?}");
    let widest = steps.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(widest < 150, "{steps:?}");
}
