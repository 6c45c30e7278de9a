//! Chat templates against what transformers makes of them (`scripts/make_chat_templates.py`), and a task that is asked
//! in them.

use aha_lab::{
    model::{companions::Companions, template::Template, tokenizer::Tokenizer},
    prompt::{self, PromptStyle},
    task::{self, NumberPuzzle, Puzzle},
};
use minijinja::Value as Variables;
use serde_json::{Value, json};

/// Made of letters, with these special tokens, the first of which begins every text.
fn letters(special: &[&str]) -> Tokenizer {
    let letters = (' '..='~').chain(['\n', '\u{2581}', '\u{ff5c}']).map(String::from);
    let vocabulary: serde_json::Map<_, _> = letters
        .chain(special.iter().map(|s| (*s).to_owned()))
        .zip(0..)
        .map(|(t, id)| (t, json!(id)))
        .collect();
    let added: Vec<Value> = special
        .iter()
        .map(|token| {
            json!({"id": vocabulary[*token], "content": token, "special": true, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false})
        })
        .collect();
    let first = special[0];
    let whole = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": null, "decoder": {"type": "Fuse"},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": first, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {first: {"id": first, "ids": [vocabulary[first]], "tokens": [first]}}},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": []},
    });
    Tokenizer::from_bytes(&serde_json::to_vec(&whole).unwrap(), "letters".as_ref()).unwrap()
}

fn folder_with(files: &[(&str, String)]) -> Companions {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Companions::of_folder(folder.path()).unwrap()
}

fn puzzle() -> Puzzle {
    NumberPuzzle { numbers: vec![3, 7, 25], target: 82 }.into()
}

#[test]
fn templates_of_the_families_give_what_transformers_gives() {
    let all: Value = serde_json::from_str(include_str!("../data/chat_templates.json")).unwrap();
    let all = all.as_array().unwrap();
    assert!(all.len() > 8);
    for kind in all {
        let text = |field: &str| kind[field].as_str().unwrap();
        let template = Template::parse(text("template"), "The template").unwrap();
        let tokens = kind["tokens"].as_object().unwrap();
        let tokens = Variables::from_pairs(
            tokens.iter().map(|(name, t)| (name.clone(), t.as_str().unwrap().to_owned())),
        );
        assert_eq!(
            template.conversation(text("question"), tokens).as_deref(),
            Ok(text("text")),
            "{}",
            kind["name"]
        );
    }
}

#[test]
fn a_puzzle_is_asked_in_the_words_that_were_chosen() {
    let tokenizer = letters(&["<s>", "<|im_start|>", "<|im_end|>", "<eos>"]);
    let config = json!({"bos_token": "<s>", "chat_template":
        "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}<think>"});
    let companions = folder_with(&[("tokenizer_config.json", config.to_string())]);
    let companions =
        companions.with_prompt("{{ bos_token }}{{ numbers | join(' ') }} -> {{ target }}\n{{ question }}");
    let asked = |style: &PromptStyle| {
        let task = task::named("countdown", "3x20").unwrap();
        let task = prompt::asking(task, style, &companions, &tokenizer).unwrap();
        let (text, tokens) = prompt::encode(task.as_ref(), &puzzle(), &tokenizer).unwrap();
        (text, tokens.into_iter().map(|token| tokenizer.token(token).unwrap()).collect::<Vec<_>>())
    };
    for style in [PromptStyle::Auto, PromptStyle::Ours] {
        assert_eq!(asked(&style).0, "use 3 7 25 make 82 : <think>");
    }
    let question = "Using the numbers [3, 7, 25], create an equation that equals 82. You can use basic arithmetic \
        operations (+, -, *, /) and each number can only be used once. Show your work in <think> </think> tags. And \
        return the final answer in <answer> </answer> tags, for example <answer> (1 + 2) / 3 </answer>.";
    let (text, tokens) = asked(&PromptStyle::Chat);
    assert_eq!(text, format!("<s><|im_start|>{question}<|im_end|><think>"));
    assert_eq!(tokens[..3], ["<s>", "<|im_start|>", "U"], "special tokens are tokens");
    let (text, tokens) = asked(&PromptStyle::TinyzeroBase);
    assert!(text.starts_with("<s>A conversation between User and Assistant. The user asks"), "{text}");
    let end = "\nAssistant: Let me solve this step by step.\n<think>";
    assert!(text.ends_with(&format!("\nUser: {question}{end}")), "{text}");
    assert_eq!(tokens[..2], ["<s>", "A"], "the tokenizer begins every text so");
    let (text, _) = asked(&PromptStyle::TinyzeroInstruct);
    assert!(
        text.ends_with(&format!(
            "<|im_start|>user\n {question}<|im_end|>\n<|im_start|>assistant\n{}",
            &end[12..]
        )),
        "{text}"
    );
    let (text, _) = asked(&PromptStyle::File("./a.jinja".into()));
    assert_eq!(text, format!("<s>3 7 25 -> 82\n{question}"));
}

#[test]
fn what_cannot_be_asked_is_told_before_a_run_begins() {
    let tokenizer = letters(&["<eos>"]);
    let refused = |style: PromptStyle, companions: &Companions| {
        let task = task::named("countdown", "3x20").unwrap();
        let error = prompt::asking(task, &style, companions, &tokenizer).err().unwrap();
        assert!(error.ends_with('.'), "{error}");
        error
    };
    let none = Companions::default();
    assert!(refused(PromptStyle::Chat, &none).contains("has no chat template"));
    assert!(refused(PromptStyle::File("./a".into()), &none).contains("./a, was not kept"));
    let template = |text: &str| folder_with(&[("chat_template.jinja", text.to_owned())]);
    let broken = template("a\n{% for %}");
    assert!(
        refused(PromptStyle::Chat, &broken).starts_with("The model's chat template cannot be read at line 2")
    );
    let refusing = template("\n\n{{ raise_exception('No users here.') }}");
    assert_eq!(
        refused(PromptStyle::Chat, &refusing),
        "The model's chat template failed at line 3: No users here."
    );
    let task = task::named("countdown", "3x20").unwrap();
    let empty = prompt::asking(task, &PromptStyle::Chat, &template("{# nothing #}"), &tokenizer).unwrap();
    let error = prompt::encode(empty.as_ref(), &puzzle(), &tokenizer).unwrap_err().to_string();
    assert!(error.contains("The prompt is empty"), "{error}");
}

#[test]
fn texts_end_completions() {
    let tokenizer = letters(&["<s>", "<eos>"]).stopping_at(&["</answer>".into(), "\n\n".into(), "x ".into()]);
    for (text, ends) in [
        ("a </answer>", true),
        ("a </answer> b", false),
        ("a\n\n", true),
        ("a\n", false),
        ("the x ", true),
        ("x  ", false),
        ("", false),
    ] {
        assert_eq!(tokenizer.completes_stop(&tokenizer.encode(text).unwrap_or_default()), ends, "{text:?}");
    }
    assert!(!letters(&["<eos>"]).has_stops());
}
