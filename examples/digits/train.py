"""Fit a support vector classifier to the training set."""

import argparse
from pathlib import Path

import joblib
import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("data/train.npz"))
    parser.add_argument("--model", type=Path, default=Path("models/svc.joblib"))
    parser.add_argument("--c", type=float, default=4.0, help="how much a misclassified digit costs")
    parser.add_argument("--gamma", type=float, default=0.05, help="width of the RBF kernel")
    parser.add_argument("--folds", type=int, default=4, help="for the cross-validation")
    args = parser.parse_args()

    train = np.load(args.data)
    model = SVC(C=args.c, gamma=args.gamma)
    scores = cross_val_score(model, train["x"], train["y"], cv=args.folds)
    model.fit(train["x"], train["y"])

    args.model.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, args.model)
    print(f"cross-validated accuracy {scores.mean():.4f} ± {scores.std():.4f}, model in {args.model}")


if __name__ == "__main__":
    main()
