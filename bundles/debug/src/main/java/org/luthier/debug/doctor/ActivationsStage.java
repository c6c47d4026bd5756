package org.luthier.debug.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Looks at the tensors inside front end and network: whether they are numbers, alive, and change with time. */
final class ActivationsStage {
    /** The largest value inside MT3 is 2200. */
    private static final double ABSURD = 1e6;

    /** Changes smaller than this, of the largest value, are rounding. */
    private static final double ROUNDING = 1e-6;

    /** A recording that is not silent has fewer features than this at their least value. */
    private static final double MOSTLY = 0.98;

    private final String traced;
    private final Notebook notes;

    /** @param next the command that records these tensors */
    ActivationsStage(String next, Notebook notes) {
        this.traced = next;
        this.notes = notes;
    }

    /** Looks at one segment. The first tensors that are wrong are told, not those that follow from them. */
    void examine(Stage stage, int segment, Map<String, Latest.Tapped> tensors) {
        notes.examine(stage);
        if (notes.has(stage)) {
            return;
        }
        first(
                stage,
                segment,
                tensors,
                "has NaN or infinities",
                ActivationsStage::isBroken,
                "a weight or a scale is absurd");
        first(
                stage,
                segment,
                tensors,
                "has absurd values",
                tensor -> largest(tensor) > ABSURD,
                "a weight is far too large, or a norm does nothing");
        first(
                stage,
                segment,
                tensors,
                "is all zero",
                tensor -> largest(tensor) == 0,
                "a weight is zero, or its input is");
        first(
                stage,
                segment,
                tensors,
                "does not change with time",
                ActivationsStage::isConstantInTime,
                "what comes in does not get through: a weight in front of it, or a norm, has no effect");
    }

    /** Features that hardly leave their floor though there is sound. */
    void floor(int segment, String name, Latest.Tapped features) {
        float least = Float.POSITIVE_INFINITY;
        for (float value : features.values()) {
            least = Math.min(least, value);
        }
        long at = 0;
        for (float value : features.values()) {
            at += value == least ? 1 : 0;
        }
        double share = (double) at / features.values().length;
        if (share > MOSTLY && !notes.has(Stage.FEATURES)) {
            notes.find(
                    Stage.FEATURES,
                    name + " hardly leaves its least value",
                    "the sound is far softer than music, or in a band that the model does not hear",
                    Notebook.format("%.1f %% are %.4g in segment %d", 100 * share, least, segment),
                    traced);
        }
    }

    private void first(
            Stage stage,
            int segment,
            Map<String, Latest.Tapped> tensors,
            String what,
            Predicate<Latest.Tapped> wrong,
            String cause) {
        if (notes.has(stage)) {
            return;
        }
        List<String> names = new ArrayList<>();
        tensors.forEach((name, tensor) -> {
            if (wrong.test(tensor)) {
                names.add(name);
            }
        });
        if (!names.isEmpty()) {
            String name = names.get(0);
            notes.find(
                    stage,
                    name + " " + what,
                    cause,
                    "segment " + segment + ", largest value " + Notebook.format("%.4g", largest(tensors.get(name)))
                            + (names.size() == 1 ? "" : "; " + (names.size() - 1) + " more behind it"),
                    traced);
        }
    }

    private static boolean isBroken(Latest.Tapped tensor) {
        for (float value : tensor.values()) {
            if (!Float.isFinite(value)) {
                return true;
            }
        }
        return false;
    }

    private static double largest(Latest.Tapped tensor) {
        double largest = 0;
        for (float value : tensor.values()) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    /** Of [rows, time, ...]. */
    private static boolean isConstantInTime(Latest.Tapped tensor) {
        int[] shape = tensor.shape();
        if (shape.length < 3 || shape[1] < 2) {
            return false;
        }
        int line = tensor.values().length / shape[0] / shape[1];
        double most = ROUNDING * largest(tensor);
        for (int row = 0; row < shape[0]; row++) {
            int first = row * shape[1] * line;
            for (int i = line; i < shape[1] * line; i++) {
                if (Math.abs(tensor.values()[first + i] - tensor.values()[first + i % line]) > most) {
                    return false;
                }
            }
        }
        return true;
    }
}
