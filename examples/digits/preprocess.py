"""Scale the digits and split them into a training and a test set."""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("config.json"))
    parser.add_argument("--out", type=Path, default=Path("data"), help="where train.npz and test.npz go")
    args = parser.parse_args()

    config = json.loads(args.config.read_text())
    images, labels = load_digits(return_X_y=True)
    images = (images / 16.0).astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=config["test_size"], random_state=config["seed"], stratify=labels
    )

    args.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out / "train.npz", x=train_x, y=train_y)
    np.savez_compressed(args.out / "test.npz", x=test_x, y=test_y)
    print(f"{len(train_y)} digits to train with, {len(test_y)} to test with")


if __name__ == "__main__":
    main()
