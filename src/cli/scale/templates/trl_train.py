"""Trains with TRL's GRPOTrainer. All settings are in grpo.yaml; `--name value` behind the command sets one again."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from aha_lab import AhaLab, rewards
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer, ModelConfig, TrlParser, get_peft_config
from trl.rewards import get_soft_overlong_punishment

HERE = Path(__file__).resolve().parent


@dataclass
class Project:
    task: str = field(default="countdown", metadata={"help": "The reward, by its name in aha_lab.rewards."})
    chat: bool = field(default=True, metadata={"help": "Whether prompts go through the model's chat template."})
    overlong_penalty: float = field(default=0.0, metadata={"help": "The most that a long completion loses; 0 is none."})
    overlong_tokens: int = field(default=0, metadata={"help": "The last tokens, within which that grows."})
    runs: str = field(default="runs", metadata={"help": "The folder of the lab's run directories."})


def puzzles(name: str, chat: bool) -> Dataset:
    data = Dataset.from_parquet(str(HERE / "data" / f"{name}.parquet"))
    data = data.select_columns(["prompt", "nums", "target"])
    return data if chat else data.map(lambda row: {"prompt": row["prompt"][0]["content"]})


def main() -> None:
    project, training, model = TrlParser((Project, GRPOConfig, ModelConfig)).parse_args_and_config()
    training.model_init_kwargs = {"dtype": model.dtype, "revision": model.model_revision}
    functions, weights = [getattr(rewards, project.task)], [1.0]
    if project.overlong_penalty > 0:
        functions.append(get_soft_overlong_punishment(training.max_completion_length, project.overlong_tokens))
        weights.append(project.overlong_penalty)
    training.reward_weights = weights
    trainer = GRPOTrainer(
        model=model.model_name_or_path,
        reward_funcs=functions,
        args=training,
        train_dataset=puzzles("train", project.chat),
        eval_dataset=puzzles("heldout", project.chat) if training.eval_strategy != "no" else None,
        peft_config=get_peft_config(model),
        callbacks=[AhaLab(project.runs, name=HERE.name, task=project.task)],
    )
    found = list(Path(training.output_dir).glob("checkpoint-*"))
    trainer.train(resume_from_checkpoint=bool(found) and os.environ.get("RESUME", "1") == "1")
    trainer.save_model()


if __name__ == "__main__":
    main()
