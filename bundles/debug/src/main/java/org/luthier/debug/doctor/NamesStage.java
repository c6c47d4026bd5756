package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.files.text.Distance;

/** Compares the weights that are there with those that a model needs: names, then shapes. */
final class NamesStage {
    private final Examined examined;
    private final Needs needs;
    private final Path path;
    private final Notebook notes;

    NamesStage(Examined examined, Needs needs, Path path, Notebook notes) {
        this.examined = examined;
        this.needs = needs;
        this.path = path;
        this.notes = notes;
    }

    void examine() {
        Map<String, TensorInfo> tensors = examined.tensors();
        List<String> missing = needs.shapes().keySet().stream()
                .filter(name -> !tensors.containsKey(name))
                .toList();
        List<String> unused = tensors.keySet().stream()
                .filter(name -> !needs.shapes().containsKey(name))
                .toList();
        missing(missing, unused);
        unused(unused, missing);
        shapes(tensors);
    }

    private void missing(List<String> missing, List<String> unused) {
        if (missing.isEmpty()) {
            return;
        }
        String renamed = missing.stream()
                .map(name -> {
                    String stored = nearest(name, alike(needs.shapes().get(name), unused));
                    return stored == null ? null : "'" + examined.weights().sourceName(stored) + "' may be " + name;
                })
                .filter(Objects::nonNull)
                .limit(2)
                .collect(Collectors.joining(", "));
        notes.find(
                Stage.NAMES,
                Notebook.count(missing.size(), "weight") + " of model "
                        + examined.definition().id() + " missing: " + Notebook.some(missing),
                renamed.isEmpty()
                        ? missing.size() == needs.shapes().size()
                                ? "the names follow no rules of the family"
                                : "the file is incomplete, or of a smaller model"
                        : "other names: " + renamed,
                "the model needs " + needs.shapes().size() + " weights, "
                        + (needs.shapes().size() - missing.size()) + " are there" + refusal(),
                Notebook.command("checkpoint:inspect", path));
    }

    /** What the name rules say of the first name that is wrong, in the names of the file. */
    private String refusal() {
        try {
            examined.rules().apply(examined.checkpoint(), examined.family().id());
            return "";
        } catch (CheckpointException e) {
            String rule = " [" + e.rule() + "]";
            String detail = e.getMessage().substring(e.file().length() + 2);
            return "; " + detail.substring(0, detail.length() - rule.length());
        }
    }

    /** Those tensors of the file that have certain dimensions, in any order: without a rule it is not known how they lie. */
    private List<String> alike(List<Long> shape, List<String> names) {
        List<Long> sorted = shape.stream().sorted().toList();
        return names.stream()
                .filter(name -> examined.tensors().get(name).shape().stream()
                        .sorted()
                        .toList()
                        .equals(sorted))
                .toList();
    }

    private void unused(List<String> unused, List<String> missing) {
        if (unused.isEmpty()) {
            return;
        }
        notes.find(
                Stage.NAMES,
                Notebook.count(unused.size(), "tensor") + " that the model does not use: "
                        + Notebook.some(unused.stream()
                                .map(examined.weights()::sourceName)
                                .toList()),
                missing.isEmpty()
                        ? "the file is of a larger model, has a tensor twice under two names, or holds what training left"
                        : "names that no rule knows",
                "the nearest name that is needed" + (missing.isEmpty() ? "" : " and missing") + " to the first is "
                        + nearest(
                                unused.get(0),
                                missing.isEmpty() ? needs.shapes().keySet() : missing),
                Notebook.command("checkpoint:inspect", path));
    }

    /** @return null of no names */
    private static String nearest(String name, Collection<String> names) {
        return names.stream()
                .min(Comparator.comparingInt(other -> Distance.of(name, other)))
                .orElse(null);
    }

    private void shapes(Map<String, TensorInfo> tensors) {
        notes.examine(Stage.SHAPES);
        List<String> wrong = needs.shapes().keySet().stream()
                .filter(name -> tensors.containsKey(name)
                        && !tensors.get(name).shape().equals(needs.shapes().get(name)))
                .toList();
        List<String> vocabulary = wrong.stream()
                .filter(name ->
                        onlyRows(tensors.get(name).shape(), needs.shapes().get(name)))
                .toList();
        for (String name : wrong) {
            if (!vocabulary.contains(name)) {
                List<Long> is = tensors.get(name).shape();
                List<Long> needed = needs.shapes().get(name);
                notes.find(
                        Stage.SHAPES,
                        "weight " + examined.told(name) + " has the shape " + is + ", the model needs " + needed,
                        why(name, wrong, tensors),
                        is.stream().reduce(1L, Math::multiplyExact) + " values, "
                                + needed.stream().reduce(1L, Math::multiplyExact) + " are needed",
                        Notebook.inspect(path, examined.weights().sourceName(name)));
            }
        }
        if (!vocabulary.isEmpty()) {
            rows(vocabulary, tensors);
        }
    }

    private String why(String name, List<String> wrong, Map<String, TensorInfo> tensors) {
        List<Long> is = tensors.get(name).shape();
        List<Long> needed = needs.shapes().get(name);
        for (String other : wrong) {
            if (!other.equals(name)
                    && tensors.get(other).shape().equals(needed)
                    && needs.shapes().get(other).equals(is)) {
                return "exchanged with " + examined.told(other) + ", which has the shape that this one needs";
            }
        }
        List<Long> reversed = new ArrayList<>(is);
        Collections.reverse(reversed);
        if (reversed.equals(needed)) {
            return "transposed: its dimensions are the other way round";
        }
        return is.stream()
                        .reduce(1L, Math::multiplyExact)
                        .equals(needed.stream().reduce(1L, Math::multiplyExact))
                ? "reshaped: it has as many values as are needed, in other dimensions"
                : "cut off, or of a model of another size";
    }

    /** Whether the number of ids is all that differs. */
    private boolean onlyRows(List<Long> is, List<Long> needed) {
        boolean same = needs.rows() > 0 && is.size() == needed.size() && needed.contains((long) needs.rows());
        for (int i = 0; same && i < is.size(); i++) {
            same = is.get(i).equals(needed.get(i)) || needed.get(i) == needs.rows();
        }
        return same;
    }

    private void rows(List<String> names, Map<String, TensorInfo> tensors) {
        String first = names.get(0);
        List<Long> is = tensors.get(first).shape();
        List<Long> needed = needs.shapes().get(first);
        long rows = 0;
        for (int i = 0; i < is.size(); i++) {
            rows = is.get(i).equals(needed.get(i)) ? rows : is.get(i);
        }
        notes.find(
                Stage.VOCABULARY,
                Notebook.count(names.size(), "weight") + " with " + rows + " rows of ids, model "
                        + examined.definition().id() + " has " + needs.rows() + ": "
                        + Notebook.some(examined.told(names)),
                rows > needs.rows()
                        ? "a vocabulary with more ids, or with more padding behind them"
                        : rows < needs.ids()
                                ? "the vocabulary is cut off: the ids " + rows + ".." + (needs.ids() - 1)
                                        + " have no row"
                                : "padding behind the " + needs.ids()
                                        + " ids is cut off, harmless once model.json says " + rows + " as outputRows",
                "shape " + is + ", needed " + needed,
                Notebook.command("model:info", examined.definition().id()));
    }
}
