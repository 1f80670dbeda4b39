"""Measure the model on the test set: metrics as JSON, confusion matrix as PNG."""

import argparse
import json
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, f1_score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/test.npz"))
    parser.add_argument("--model", type=Path, default=Path("models/svc.joblib"))
    parser.add_argument("--out", type=Path, default=Path("reports"), help="where metrics.json and confusion.png go")
    args = parser.parse_args()

    test = np.load(args.data)
    predicted = joblib.load(args.model).predict(test["x"])
    metrics = {
        "accuracy": round(accuracy_score(test["y"], predicted), 4),
        "f1_macro": round(f1_score(test["y"], predicted, average="macro"), 4),
        "digits": len(predicted),
    }

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    ConfusionMatrixDisplay.from_predictions(test["y"], predicted, cmap="Blues", colorbar=False)
    plt.title(f"accuracy {metrics['accuracy']:.1%}")
    plt.savefig(args.out / "confusion.png", dpi=120, bbox_inches="tight")
    print(f"accuracy {metrics['accuracy']:.4f} on {metrics['digits']} digits")


if __name__ == "__main__":
    main()
