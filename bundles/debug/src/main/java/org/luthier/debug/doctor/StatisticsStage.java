package org.luthier.debug.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/**
 * Looks at the values of the weights, each by itself and beside its siblings: the weights of the same role in the other layers.
 *
 * <p>The bounds were measured on MT3 and Basic Pitch. In MT3 a weight is from 0.60 to 1.58 times the median size of its siblings, a
 * matrix from 1/8 to 19 times the median size of all, and 6 of its 131 matrices (queries of cross attention) are as even as random
 * numbers.
 */
final class StatisticsStage {
    /** Fewer than this have no median worth the name. */
    private static final int LEAST_SIBLINGS = 4;

    private static final double BESIDE_SIBLINGS = 4;
    private static final double BESIDE_ALL = 32;

    /** Below this unevenness a matrix is like one of random numbers; a single one may be. */
    private static final double EVEN = 1.5;

    /** Of that many empty rows or columns in sixteen something is missing. */
    private static final int SIXTEEN = 16;

    /** A rounded number alone says nothing. */
    private static final int ENOUGH_TO_BE_ROUNDED = 64;

    private final Examined examined;
    private final Path path;
    private final Notebook notes;
    private final List<WeightProfile> profiles = new ArrayList<>();

    StatisticsStage(Examined examined, Path path, Notebook notes) {
        this.examined = examined;
        this.path = path;
        this.notes = notes;
    }

    /** Half of the distance of neighbouring numbers, relative, in the coarsest type that weights are rounded to; 0 for full precision. */
    double rounding() {
        return profiles.stream()
                .filter(StatisticsStage::isRounded)
                .mapToDouble(
                        profile -> profile.type() == DType.BF16 ? 0x1p-8 : profile.type() == DType.F16 ? 0x1p-11 : 0)
                .max()
                .orElse(0);
    }

    void examine(int rows, Cancellation cancellation) {
        notes.examine(Stage.STATISTICS);
        Checkpoint weights = examined.weights().asCheckpoint();
        for (TensorInfo tensor : weights.tensors().values()) {
            cancellation.check();
            try {
                profiles.add(WeightProfile.of(weights, tensor));
            } catch (CheckpointException e) {
                notes.find(
                        Stage.FORMAT,
                        "tensor " + examined.told(tensor.name()) + " cannot be read",
                        "the file is damaged or incomplete",
                        e.getMessage(),
                        Notebook.command("checkpoint:inspect", path));
            }
        }
        notFinite();
        constant();
        empty(rows);
        sizes();
        untrained();
        twice(weights);
        precision();
    }

    private List<WeightProfile> those(Predicate<WeightProfile> test) {
        return profiles.stream().filter(test).toList();
    }

    private void find(List<WeightProfile> some, String what, String cause, String evidence) {
        List<String> names = some.stream().map(WeightProfile::name).toList();
        notes.find(
                Stage.STATISTICS,
                Notebook.count(some.size(), "weight") + " " + what + ": " + Notebook.some(examined.told(names)),
                cause,
                evidence,
                Notebook.inspect(path, examined.weights().sourceName(names.get(0))));
    }

    private void notFinite() {
        List<WeightProfile> some = those(profile -> !profile.isFinite());
        if (!some.isEmpty()) {
            find(
                    some,
                    "with NaN or infinities",
                    "training diverged, a type of 16 bits overflowed, or the file is damaged",
                    "the first has " + some.get(0).values().nan() + " NaN and "
                            + some.get(0).values().infinite() + " infinite of "
                            + some.get(0).values().elements());
        }
    }

    private void constant() {
        List<WeightProfile> zero =
                those(profile -> profile.isZero() && !profile.name().endsWith("bias"));
        if (!zero.isEmpty()) {
            find(
                    zero,
                    "all zero, so that nothing passes",
                    "never read or never written: a converter made the tensor and did not fill it",
                    zero.get(0).values().elements() + " values, every one 0");
        }
        List<WeightProfile> ones =
                those(profile -> profile.isConstant() && profile.values().min() == 1);
        if (!ones.isEmpty()) {
            List<WeightProfile> norms = those(profile -> profile.name().endsWith("scale") && !profile.isMatrix());
            find(
                    ones,
                    "all 1, as a norm begins",
                    ones.size() == norms.size()
                            ? "untrained, or the scales of the norms were not read (in a T5X folder they stand inside the file"
                                    + " 'checkpoint', not in folders of their own)"
                            : "untrained or never read",
                    ones.size() + " of " + norms.size() + " scales of norms");
        }
        List<WeightProfile> other = those(profile -> profile.isConstant()
                && !profile.isZero()
                && profile.values().min() != 1
                && !profile.name().endsWith("bias"));
        if (!other.isEmpty()) {
            find(
                    other,
                    "constant",
                    "never read or never written",
                    Notebook.format("every value is %.4g", other.get(0).values().min()));
        }
    }

    /** Rows of the vocabulary may be empty: padding. */
    private void empty(int rows) {
        List<WeightProfile> some = those(profile -> !profile.isZero()
                && !profile.tensor().shape().contains((long) rows)
                && SIXTEEN * Math.max(share(profile, 0), share(profile, 1)) >= 1);
        if (!some.isEmpty()) {
            WeightProfile first = some.get(0);
            find(
                    some,
                    "with empty rows or columns",
                    "a part was left out, a head of attention for example, or a tensor was filled in part",
                    "of the first " + first.emptyRows() + " of "
                            + first.tensor().shape().get(0) + " rows and " + first.emptyColumns() + " of "
                            + first.tensor().shape().get(1) + " columns are all zero");
        }
    }

    private static double share(WeightProfile profile, int axis) {
        int empty = axis == 0 ? profile.emptyRows() : profile.emptyColumns();
        return empty == 0 ? 0 : (double) empty / profile.tensor().shape().get(axis);
    }

    /** A weight whose size is far from its siblings', or where it has none, from that of all matrices, or of all vectors. */
    private void sizes() {
        List<WeightProfile> sound = those(profile -> profile.isFinite() && !profile.isConstant() && profile.size() > 0);
        Map<String, List<WeightProfile>> roles = new LinkedHashMap<>();
        sound.forEach(profile -> roles.computeIfAbsent(
                        profile.role() + profile.tensor().shape(), any -> new ArrayList<>())
                .add(profile));
        List<WeightProfile> outside = new ArrayList<>();
        Map<WeightProfile, Double> usual = new LinkedHashMap<>();
        for (List<WeightProfile> siblings : roles.values()) {
            double median = median(siblings);
            for (WeightProfile profile : siblings) {
                usual.put(profile, median);
                if (siblings.size() >= LEAST_SIBLINGS && isFar(profile, median, BESIDE_SIBLINGS)) {
                    outside.add(profile);
                }
            }
        }
        outside.forEach(profile -> outOfFamily(profile, outside, usual));
        for (boolean matrices : new boolean[] {true, false}) {
            List<WeightProfile> all = sound.stream()
                    .filter(profile ->
                            profile.isMatrix() == matrices && profile.values().elements() > 1)
                    // Set as they are, and in other units.
                    .filter(profile -> !profile.name().endsWith(".frequencies"))
                    .toList();
            double median = median(all);
            List<WeightProfile> far = all.stream()
                    .filter(profile -> all.size() >= LEAST_SIBLINGS
                            && !outside.contains(profile)
                            && isFar(profile, median, BESIDE_ALL))
                    .toList();
            if (!far.isEmpty()) {
                find(
                        far,
                        "far larger or smaller than all others",
                        "a factor was forgotten or applied twice",
                        Notebook.format(
                                "root mean square of the first %.3g, %s the median of all %s, %.3g",
                                far.get(0).size(),
                                times(far.get(0).size() / median),
                                matrices ? "matrices" : "vectors",
                                median));
            }
        }
    }

    private void outOfFamily(WeightProfile profile, List<WeightProfile> outside, Map<WeightProfile, Double> usual) {
        double median = usual.get(profile);
        String exchanged = outside.stream()
                .filter(other -> other != profile
                        && other.tensor().shape().equals(profile.tensor().shape())
                        && !isFar(profile, usual.get(other), 2)
                        && !isFar(other, median, 2))
                .findFirst()
                .map(other ->
                        "exchanged with " + examined.told(other.name()) + ": each has the size that the other should")
                .orElse("a factor was forgotten or applied twice, or it is another layer's weight");
        find(
                List.of(profile),
                "out of its family",
                exchanged,
                Notebook.format(
                        "root mean square %.3g, %s the median of the weights of its role in the other layers, %.3g (healthy: 0.6"
                                + " to 1.6)",
                        profile.size(), times(profile.size() / median), median));
    }

    private static String times(double ratio) {
        return ratio >= 1 ? Notebook.format("%.4g times", ratio) : Notebook.format("1/%.4g of", 1 / ratio);
    }

    private static boolean isFar(WeightProfile profile, double from, double factor) {
        return profile.size() > from * factor || profile.size() < from / factor;
    }

    private static double median(List<WeightProfile> some) {
        double[] sizes = some.stream().mapToDouble(WeightProfile::size).sorted().toArray();
        return sizes.length == 0 ? Double.NaN : sizes[sizes.length / 2];
    }

    /** A part of the network, most of whose matrices have rows and columns as even as random numbers have. */
    private void untrained() {
        Map<String, List<WeightProfile>> parts = new TreeMap<>();
        those(profile -> profile.isFinite() && !profile.isZero() && !profile.isConstant()).stream()
                .filter(profile -> !Double.isNaN(profile.unevenness()))
                .forEach(profile -> parts.computeIfAbsent(
                                profile.name().replaceFirst("\\..*", ""), any -> new ArrayList<>())
                        .add(profile));
        parts.forEach((part, all) -> {
            List<WeightProfile> even =
                    all.stream().filter(profile -> profile.unevenness() < EVEN).toList();
            if (all.size() >= LEAST_SIBLINGS && 2 * even.size() > all.size()) {
                find(
                        even,
                        "like fresh random numbers, in '" + part + "'",
                        "untrained, or made anew where reading them failed",
                        Notebook.format(
                                "rows and columns of %d of %d matrices are as even as those of independent random numbers; of the"
                                        + " first %.2f times, where training makes 1.5 to 26",
                                even.size(), all.size(), even.get(0).unevenness()));
            }
        });
    }

    /** Two weights with one content. */
    private void twice(Checkpoint weights) {
        Map<String, WeightProfile> first = new LinkedHashMap<>();
        List<WeightProfile> some =
                those(profile -> !profile.isConstant() && profile.values().elements() >= SIXTEEN).stream()
                        .sorted(Comparator.comparing(
                                profile -> profile.tensor().shape().size()))
                        .toList();
        for (WeightProfile profile : some) {
            String key = profile.values().elements() + " " + profile.values().min() + " "
                    + profile.values().max() + " " + profile.values().zeros();
            WeightProfile other = first.putIfAbsent(key, profile);
            if (other != null) {
                String how = same(weights, other, profile);
                if (how != null) {
                    notes.find(
                            Stage.STATISTICS,
                            "weight " + examined.told(profile.name()) + " is " + how + " "
                                    + examined.told(other.name()),
                            how.contains("transposed")
                                    ? "the output matrix is the embedding matrix, which this model has apart"
                                    : "one was read for both, or a layer was copied",
                            profile.values().elements() + " values are equal",
                            Notebook.inspect(path, examined.weights().sourceName(profile.name())));
                }
            }
        }
    }

    private static String same(Checkpoint weights, WeightProfile one, WeightProfile other) {
        float[] a = weights.floats(one.name());
        float[] b = weights.floats(other.name());
        if (Arrays.equals(a, b)) {
            return "the same as";
        }
        List<Long> shape = one.tensor().shape();
        if (shape.size() != 2 || !other.tensor().shape().equals(List.of(shape.get(1), shape.get(0)))) {
            return null;
        }
        int columns = shape.get(1).intValue();
        int rows = shape.get(0).intValue();
        for (int i = 0; i < a.length; i++) {
            if (a[i] != b[i % columns * rows + i / columns]) {
                return null;
            }
        }
        return "the same, transposed, as";
    }

    private void precision() {
        Map<DType, List<WeightProfile>> rounded = those(StatisticsStage::isRounded).stream()
                .collect(Collectors.groupingBy(WeightProfile::type, TreeMap::new, Collectors.toList()));
        rounded.forEach((type, some) -> notes.remark("reduced precision: " + some.size() + " of "
                + profiles.size() + " weights have no more bits than " + type
                + ", which costs a little accuracy and is no"
                + " fault"));
    }

    private static boolean isRounded(WeightProfile profile) {
        return (profile.type() == DType.F16 || profile.type() == DType.BF16)
                && !profile.isConstant()
                && profile.values().elements() >= ENOUGH_TO_BE_ROUNDED;
    }
}
