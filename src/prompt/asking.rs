//! A task that asks in other words than its own.

use std::path::Path;

use minijinja::{
    Value, context,
    value::{Serde, merge_maps},
};
use rand_chacha::ChaCha8Rng;

use super::PromptStyle;
use crate::{
    metrics::blind::Blind,
    model::{
        companions::Companions,
        host::read_bounded,
        template::{MOST_BYTES, Template},
        tokenizer::{Tokenizer, TokenizerError},
    },
    record::Analysis,
    system::quoting::quoted,
    task::{
        Prospect, Puzzle, RewardRules, Score, Split, Task, Tried,
        answer::Graded,
        rules::{Judged, Rule},
    },
};

/// What TinyZero says before the question to a base model, and after it (`examples/data_preprocess/countdown.py` of
/// <https://github.com/Jiayi-Pan/TinyZero>), its own grammar included.
const BASE: [&str; 2] = [
    "A conversation between User and Assistant. The user asks a question, and the Assistant solves it. The assistant \
     first thinks about the reasoning process in the mind and then provides the user with the answer.\nUser: ",
    "\nAssistant: Let me solve this step by step.\n<think>",
];
/// The same for Qwen's instruct models.
const INSTRUCT: [&str; 2] = [
    "<|im_start|>system\nYou are a helpful assistant. You first thinks about the reasoning process in the mind and \
     then provides the user with the answer.<|im_end|>\n<|im_start|>user\n ",
    "<|im_end|>\n<|im_start|>assistant\nLet me solve this step by step.\n<think>",
];

/// The task as a model of these files is asked it. `style` is decided already; a template is tried on an example.
///
/// # Errors
/// A sentence that says what the model lacks, or what is wrong with a template.
pub fn asking(
    task: Box<dyn Task>,
    style: &PromptStyle,
    companions: &Companions,
    tokenizer: &Tokenizer,
) -> Result<Box<dyn Task>, String> {
    let words = match style {
        PromptStyle::Auto | PromptStyle::Ours => return Ok(task),
        PromptStyle::TinyzeroBase => Words::Around(BASE.map(str::to_owned)),
        PromptStyle::TinyzeroInstruct => Words::Around(INSTRUCT.map(str::to_owned)),
        PromptStyle::Chat => {
            let source = companions.chat_template().ok_or(
                "This model has no chat template (`chat_template` in tokenizer_config.json, or chat_template.jinja). \
                 Choose another `prompt`, such as tinyzero-base.",
            )?;
            Words::Template(Box::new(Template::parse(&source, "The model's chat template")?))
        }
        PromptStyle::File(path) => {
            let source = companions.prompt().ok_or_else(|| {
                format!("The prompt of this run, {path}, was not kept with it. Set `prompt` again.")
            })?;
            Words::Template(Box::new(Template::parse(&source, "The file of `prompt`")?))
        }
    };
    // A template writes its own start token.
    let beginning = match words {
        Words::Around(_) => tokenizer.beginning(),
        Words::Template(_) => String::new(),
    };
    let specials = Value::from_pairs(companions.special_tokens());
    let asking = Asking { task, words, beginning, specials };
    let example = crate::task::family(asking.name()).map(crate::task::Family::example);
    if let Ok(example) = example {
        check_words(&asking.asked(&example)?, style, tokenizer)?;
    }
    Ok(Box::new(asking))
}

/// Refuses a prompt of which a model would read little more than unknown words.
fn check_words(prompt: &str, style: &PromptStyle, tokenizer: &Tokenizer) -> Result<(), String> {
    let (words, unknown) = (prompt.split_whitespace().count(), tokenizer.unknown_words(prompt));
    if 2 * unknown.len() <= words {
        return Ok(());
    }
    let some: Vec<String> = unknown.iter().take(4).map(|word| quoted(word)).collect();
    Err(format!(
        "prompt={style} has {words} words, and this model's tokenizer knows {} of them ({} are among those that it does \
         not): the model could not read it. Choose another `prompt`, such as ours.",
        words - unknown.len(),
        some.join(", ")
    ))
}

/// The text of a prompt's file.
///
/// # Errors
/// A sentence that names the file.
pub fn prompt_file(path: &str) -> Result<String, String> {
    let bytes =
        read_bounded(Path::new(path), MOST_BYTES as u64).map_err(|error| format!("prompt: {error}"))?;
    String::from_utf8(bytes).map_err(|_| format!("prompt: {path} is no UTF-8 text."))
}

/// A puzzle in the words of a style, for a data set: the whole prompt, without what the tokenizer begins every text with;
/// or, where the model's chat template stands around it, what a person says.
///
/// # Errors
/// If only a model can tell the words.
pub fn words(task: &dyn Task, style: &PromptStyle, puzzle: &Puzzle) -> Result<String, String> {
    let around = |[before, after]: [&str; 2]| format!("{before}{}{after}", task.question(puzzle));
    match style {
        PromptStyle::Ours => Ok(task.prompt(puzzle)),
        PromptStyle::TinyzeroBase => Ok(around(BASE)),
        PromptStyle::TinyzeroInstruct => Ok(around(INSTRUCT)),
        PromptStyle::Chat => Ok(task.question(puzzle)),
        PromptStyle::Auto | PromptStyle::File(_) => Err(format!(
            "prompt={style} says nothing without a model; choose another `prompt`, such as chat."
        )),
    }
}

/// A puzzle as text and as the tokens that a model reads; at least one.
///
/// # Errors
/// If a template refuses the puzzle, or the tokenizer the text.
pub fn encode(
    task: &dyn Task,
    puzzle: &Puzzle,
    tokenizer: &Tokenizer,
) -> Result<(String, Vec<u32>), TokenizerError> {
    let text = task.asked(puzzle).map_err(TokenizerError::Prompt)?;
    let tokens = tokenizer.encode(&text)?;
    match tokens.is_empty() {
        true => Err(TokenizerError::Prompt(
            "The prompt is empty: there is nothing for the model to continue.".into(),
        )),
        false => Ok((text, tokens)),
    }
}

/// What stands around a question.
enum Words {
    Around([String; 2]),
    Template(Box<Template>),
}

/// A task in other words; everything else is as it was.
struct Asking {
    task: Box<dyn Task>,
    words: Words,
    /// The start token of a tokenizer that begins every text with one.
    beginning: String,
    specials: Value,
}

impl Task for Asking {
    fn asked(&self, puzzle: &Puzzle) -> Result<String, String> {
        let question = self.task.question(puzzle);
        match &self.words {
            Words::Around([before, after]) => Ok(format!("{}{before}{question}{after}", self.beginning)),
            Words::Template(template) => {
                let fields = Value::from(Serde(&puzzle.0));
                let others =
                    context! { question => &question, ..merge_maps([fields, self.specials.clone()]) };
                template.conversation(&question, others)
            }
        }
    }

    fn asked_words(&self, puzzle: &Puzzle) -> String {
        self.task.question(puzzle)
    }

    fn name(&self) -> &'static str {
        self.task.name()
    }

    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        self.task.draw(split, rng)
    }

    fn admit(&self, puzzle: &Puzzle) -> Result<Puzzle, String> {
        self.task.admit(puzzle)
    }

    fn prompt(&self, puzzle: &Puzzle) -> String {
        self.task.prompt(puzzle)
    }

    fn question(&self, puzzle: &Puzzle) -> String {
        self.task.question(puzzle)
    }

    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score {
        self.task.score(puzzle, completion, rules)
    }

    fn rules(&self) -> &'static [Rule] {
        self.task.rules()
    }

    fn judge(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Judged {
        self.task.judge(puzzle, completion, rules)
    }

    fn analyze(&self, puzzle: &Puzzle, completion: &str) -> Analysis {
        self.task.analyze(puzzle, completion)
    }

    fn analyze_graded(&self, puzzle: &Puzzle, completion: &str, which: Graded) -> Analysis {
        self.task.analyze_graded(puzzle, completion, which)
    }

    fn canonical_answer(&self, answer: &str) -> Option<String> {
        self.task.canonical_answer(answer)
    }

    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String {
        self.task.in_words(puzzle, arrow)
    }

    fn assemble(&self, numbers: Vec<i64>, target: Option<i64>) -> Result<Puzzle, String> {
        self.task.assemble(numbers, target)
    }

    fn solutions(&self, puzzle: &Puzzle) -> Result<Vec<String>, String> {
        self.task.solutions(puzzle)
    }

    fn prospect(&self, puzzle: &Puzzle) -> Prospect {
        self.task.prospect(puzzle)
    }

    fn blind(&self, puzzle: &Puzzle) -> Option<Blind> {
        self.task.blind(puzzle)
    }

    fn outline(&self, puzzle: &Puzzle, completion: &str) -> Vec<Tried> {
        self.task.outline(puzzle, completion)
    }
}
