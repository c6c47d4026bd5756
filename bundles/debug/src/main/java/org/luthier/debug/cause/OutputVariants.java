package org.luthier.debug.cause;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.luthier.api.model.Computation;

/**
 * What can be told from a tensor of this run and the reference's alone, without inputs and weights: one is the other, scaled, moved or in
 * another order. What is fitted, as a factor or a bias, is fitted at every other place and tested at all.
 */
final class OutputVariants {
    private static final String HEADS = "heads split or ordered otherwise";
    /** Of a decoder that says several things at once. */
    static final String CHANNELS = "order of channels";
    /** A block or column is another's if they differ by less, relative to its norm. */
    private static final double ALIKE = 0.02;

    private static final String SCALES = "scale of each entry";
    private static final String ORDER = "order of entries";

    /** What fits wherever something more particular does. */
    static final List<String> GENERAL = List.of(SCALES, ORDER);

    private static final int MOST_COLUMNS = 2048;
    private static final int MOST_SHIFTED = 128;
    private static final int LEAST_PLACES = 6;

    private final Computation computation;
    private final int heads;
    private final Field run;
    private final Field reference;
    private final List<int[]> places;
    private final int width;
    /** The vectors at the places where both have one. */
    private final List<double[]> runs = new ArrayList<>();

    private final List<double[]> references = new ArrayList<>();

    /**
     * @param task what made it, or null where that is not known
     * @param places where to look
     */
    OutputVariants(Task task, Field run, Field reference, List<int[]> places) {
        this.computation = task == null ? null : task.computation();
        this.heads = task == null ? 0 : task.heads();
        this.run = run;
        this.reference = reference;
        this.places = places;
        this.width = run.width();
        for (int[] place : places) {
            double[] a = run.at(place);
            double[] b = reference.at(place);
            if (a != null && b != null && a.length == b.length) {
                runs.add(a);
                references.add(b);
            }
        }
    }

    /** Variants of the reference's tensor, to be compared with the run's. */
    List<Variant> ofReference() {
        List<Variant> variants = new ArrayList<>();
        factor(variants);
        if (reference.shape().length == 3 && reference.shape()[0] > 1) {
            headsApart(variants);
        } else if (heads > 1 && width % heads == 0) {
            headsSideBySide(variants);
        }
        powers(variants, reference, "power for magnitude");
        bias(variants);
        moved(variants);
        columns(variants);
        columnFactors(variants);
        if (computation != null && computation.operation().equals(Computation.AFFINE)) {
            affine(variants);
        }
        return variants;
    }

    /** Variants of the run's tensor, to be compared with the reference's: what cannot be turned around. */
    List<Variant> ofRun() {
        List<Variant> variants = new ArrayList<>();
        powers(variants, run, "power for magnitude");
        return variants;
    }

    private void factor(List<Variant> variants) {
        double product = 0;
        double norm = 0;
        for (int[] place : everyOther()) {
            double[] a = run.at(place);
            double[] b = reference.at(place);
            for (int i = 0; i < both(a, b); i++) {
                if (isNumber(a[i]) && isNumber(b[i])) {
                    product += a[i] * b[i];
                    norm += b[i] * b[i];
                }
            }
        }
        if (norm > 0 && product != 0) {
            int size = heads > 1 ? width / heads : 0;
            Factor factor = Factor.named(product / norm, sizes(size));
            double exact = product / norm;
            Field scaled = reference.map(
                    y -> Arrays.stream(y).map(value -> exact * value).toArray());
            variants.add(factor.variant("the tensor", scaled));
        }
    }

    /** Sizes that a factor may have to do with: those of a head's scores are seen in the head's width only. */
    private int[] sizes(int size) {
        return size > 1 ? new int[] {size, width} : new int[] {width, 64, 32, 128, 48, 80, 96, 16, 8};
    }

    private void headsApart(List<Variant> variants) {
        int count = Math.min(run.shape()[0], reference.shape()[0]);
        int[] from = matched(count, (a, b) -> {
            double difference = 0;
            double norm = 0;
            for (int[] place : places) {
                if (place[0] == a) {
                    int[] other = place.clone();
                    other[0] = b;
                    double[] x = run.at(place);
                    double[] y = reference.at(other);
                    for (int i = 0; i < both(x, y); i++) {
                        if (isNumber(x[i]) && isNumber(y[i])) {
                            difference += (x[i] - y[i]) * (x[i] - y[i]);
                            norm += y[i] * y[i];
                        }
                    }
                }
            }
            return norm == 0 ? Double.NaN : Math.sqrt(difference / norm);
        });
        if (from != null) {
            variants.add(order(from, reference.moved(index -> {
                int[] other = index.clone();
                other[0] = index[0] < count ? from[index[0]] : index[0];
                return other;
            })));
        }
        for (int head = 0; head < count; head++) {
            int missing = head;
            variants.add(missing(head, Field.of(reference.shape(), index -> {
                double[] y = reference.at(index);
                return y == null || index[0] != missing ? y : new double[y.length];
            })));
        }
    }

    private void headsSideBySide(List<Variant> variants) {
        int size = width / heads;
        for (boolean split : new boolean[] {true, false}) {
            variants.add(new Variant(
                    HEADS,
                    "entries ordered as " + (split ? "[size, heads]" : "[heads, size] read as [size, heads]"),
                    "[heads, size]",
                    "reshape to [heads, size], not to [size, heads]",
                    reordered(
                            i -> split ? Matrices.interleaved(i, heads, width) : Matrices.gathered(i, heads, width))));
        }
        int[] from = matched(heads, (a, b) -> difference(a * size, b * size, size));
        if (from != null) {
            variants.add(order(from, reordered(i -> from[i / size] * size + i % size)));
        }
        for (int head = 0; head < heads; head++) {
            int first = head * size;
            variants.add(missing(head, reference.map(y -> {
                double[] without = y.clone();
                Arrays.fill(without, first, first + size, 0);
                return without;
            })));
            variants.add(new Variant(
                    "sign",
                    "head " + head + " with the other sign",
                    "its own",
                    "look for a minus in how the heads are split",
                    reference.map(y -> {
                        double[] turned = y.clone();
                        for (int i = first; i < first + size; i++) {
                            turned[i] = -turned[i];
                        }
                        return turned;
                    })));
        }
    }

    private Variant order(int[] from, Field field) {
        if (computation != null && computation.operation().equals(Computation.ARRANGED_PROJECTION)) {
            return new Variant(
                    CHANNELS,
                    "channels in the order " + Arrays.toString(from),
                    "in order",
                    "keep the channels in one order from the projection to the ids",
                    field);
        }
        return new Variant(
                HEADS,
                "heads in the order " + Arrays.toString(from),
                "in order",
                "look at how heads are split and joined, and at the order that the checkpoint has them in",
                field);
    }

    private Variant missing(int head, Field field) {
        return new Variant(
                "a head missing",
                "an extra head",
                "nothing in head " + head,
                "all heads",
                "look at the number of heads, and at the part of the weights that belongs to head " + head,
                field);
    }

    private interface Distance {
        double between(int ofRun, int ofReference);
    }

    /** For each of the run's, which of the reference's it is; null if that is no other order. */
    private static int[] matched(int count, Distance distance) {
        int[] from = new int[count];
        boolean[] taken = new boolean[count];
        boolean other = false;
        for (int a = 0; a < count; a++) {
            int best = -1;
            double least = ALIKE;
            for (int b = 0; b < count; b++) {
                double d = distance.between(a, b);
                if (d < least) {
                    least = d;
                    best = b;
                }
            }
            if (best < 0 || taken[best]) {
                return null;
            }
            taken[best] = true;
            from[a] = best;
            other |= best != a;
        }
        return other ? from : null;
    }

    /** Of columns from a first one of the run on from those of the reference. */
    private double difference(int ofRun, int ofReference, int count) {
        double difference = 0;
        double norm = 0;
        for (int p = 0; p < runs.size(); p++) {
            double[] a = runs.get(p);
            double[] b = references.get(p);
            for (int i = 0; i < count; i++) {
                double x = a[ofRun + i];
                double y = b[ofReference + i];
                if (isNumber(x) && isNumber(y)) {
                    difference += (x - y) * (x - y);
                    norm += y * y;
                }
            }
        }
        return norm == 0 ? Double.NaN : Math.sqrt(difference / norm);
    }

    /** Whether one vector has the numbers of the other, whatever their order. */
    private boolean sameNumbers() {
        double[] a = runs.get(0).clone();
        double[] b = references.get(0).clone();
        Arrays.sort(a);
        Arrays.sort(b);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < a.length; i++) {
            difference += (a[i] - b[i]) * (a[i] - b[i]);
            norm += b[i] * b[i];
        }
        return difference < ALIKE * ALIKE * norm;
    }

    private void powers(List<Variant> variants, Field of, String fault) {
        variants.add(new Variant(
                fault,
                "the square",
                "the tensor itself",
                "take magnitudes, or their squares, as the model was trained with",
                of.map(y -> Arrays.stream(y).map(value -> value * value).toArray())));
    }

    /** One vector added everywhere, before the activation. */
    private void bias(List<Variant> variants) {
        if (places.size() < LEAST_PLACES) {
            return;
        }
        Object word = computation == null ? null : computation.settings().get("activation");
        String activation = word == null ? "none" : (String) word;
        double[] sum = new double[width];
        int[] counts = new int[width];
        for (int[] place : everyOther()) {
            double[] a = run.at(place);
            double[] b = reference.at(place);
            for (int i = 0; i < both(a, b); i++) {
                double difference = Functions.inverse(activation, a[i]) - Functions.inverse(activation, b[i]);
                if (isNumber(a[i]) && isNumber(b[i]) && !Double.isNaN(difference)) {
                    sum[i] += difference;
                    counts[i]++;
                }
            }
        }
        for (int i = 0; i < width; i++) {
            sum[i] = counts[i] == 0 ? Double.NaN : sum[i] / counts[i];
        }
        variants.add(new Variant(
                "missing bias",
                "the tensor plus one vector, the same everywhere",
                "it without that vector",
                "is the bias of this layer loaded, and added once?",
                reference.map(y -> {
                    double[] biased = new double[y.length];
                    for (int i = 0; i < y.length; i++) {
                        biased[i] = Functions.activation(activation)
                                .applyAsDouble(Functions.inverse(activation, y[i]) + (i < width ? sum[i] : Double.NaN));
                    }
                    return biased;
                })));
    }

    /** What stands elsewhere along the axis before the last: frames, positions. */
    private void moved(List<Variant> variants) {
        int axis = reference.shape().length - 2;
        if (axis < 0) {
            samples(variants);
            return;
        }
        // Of time and frequency x channels, time comes first.
        boolean scores = computation != null
                && (computation.operation().equals(Computation.SCORES)
                        || computation.operation().equals(Computation.SOFTMAX));
        int along = axis == 1 && !scores ? 0 : axis;
        for (int shift : new int[] {1, -1, 2, -2, 3, -3, 4, -4}) {
            variants.add(new Variant(
                    "positions shifted",
                    "what belongs " + Math.abs(shift) + (shift > 0 ? " later" : " earlier"),
                    "each in its place",
                    "look for a start token, padding or a frame that one side counts and the other does not",
                    reference.moved(index -> {
                        int[] other = index.clone();
                        other[along] += shift;
                        return other;
                    })));
        }
        int length = reference.shape()[along];
        variants.add(new Variant(
                "positions reversed",
                "positions from last to first",
                "first to last",
                "look at the order in time",
                reference.moved(index -> {
                    int[] other = index.clone();
                    other[along] = length - 1 - other[along];
                    return other;
                })));
        if (reference.shape().length == 2 && reference.shape()[0] == width) {
            variants.add(new Variant(
                    "transposed",
                    "positions and entries exchanged",
                    "[positions, entries]",
                    "transpose the tensor",
                    Field.of(reference.shape(), index -> column(reference, index[0]))));
        }
    }

    private static double[] column(Field field, int column) {
        double[] values = new double[field.shape()[0]];
        for (int i = 0; i < values.length; i++) {
            double[] y = field.at(i);
            values[i] = y == null ? Double.NaN : y[column];
        }
        return values;
    }

    private void samples(List<Variant> variants) {
        for (int shift : new int[] {1, -1, 2, -2, 64, -64, 128, -128, 256, -256, 512, -512, 1024, -1024, 2048, -2048}) {
            variants.add(new Variant(
                    "samples shifted",
                    Math.abs(shift) + " samples " + (shift > 0 ? "later" : "earlier"),
                    "each in its place",
                    "look at padding, at the offset of a segment, and at the delay of an MP3 decoder",
                    reference.map(y -> IntStream.range(0, y.length)
                            .mapToDouble(i -> i + shift >= 0 && i + shift < y.length ? y[i + shift] : Double.NaN)
                            .toArray())));
        }
    }

    /** Entries in another order. */
    private void columns(List<Variant> variants) {
        boolean bands = computation != null
                && List.of(Computation.MEL_BANDS, Computation.LOGARITHM, Computation.MAGNITUDES)
                        .contains(computation.operation());
        variants.add(new Variant(
                bands ? "mel order" : "order reversed",
                "entries from last to first",
                "first to last",
                bands ? "turn the bands around" : "look at the order of the outputs",
                reordered(i -> width - 1 - i)));
        for (int distance = 1; distance <= Math.min(MOST_SHIFTED, width / 2); distance++) {
            for (int by : new int[] {distance, -distance}) {
                variants.add(new Variant(
                        "rows shifted",
                        "entry i" + (by > 0 ? " + " : " - ") + distance + " for i",
                        "each in its place",
                        "look for special entries, or bins, that one side counts and the other does not",
                        reordered(i -> i + by)));
            }
        }
        if (width <= MOST_COLUMNS && width > 1 && runs.size() >= 2 && sameNumbers()) {
            int[] from = matched(width, (a, b) -> difference(a, b, 1));
            if (from != null) {
                variants.add(new Variant(
                        ORDER,
                        told(from),
                        "in order",
                        "look at how the last axis was reshaped, split or joined",
                        reordered(i -> from[i])));
            }
        }
    }

    private static String told(int[] from) {
        long elsewhere =
                IntStream.range(0, from.length).filter(i -> from[i] != i).count();
        return String.format(
                Locale.ROOT,
                "%d of %d entries in another order, %s ...",
                elsewhere,
                from.length,
                Arrays.toString(Arrays.copyOf(from, Math.min(from.length, 8))));
    }

    private Field reordered(IntUnaryOperator from) {
        return reference.map(y -> {
            double[] other = new double[y.length];
            for (int i = 0; i < other.length; i++) {
                int place = from.applyAsInt(i);
                other[i] = place >= 0 && place < y.length ? y[place] : Double.NaN;
            }
            return other;
        });
    }

    /** Every entry by a factor of its own. */
    private void columnFactors(List<Variant> variants) {
        if (places.size() < LEAST_PLACES) {
            return;
        }
        double[] products = new double[width];
        double[] norms = new double[width];
        for (int[] place : everyOther()) {
            double[] a = run.at(place);
            double[] b = reference.at(place);
            for (int i = 0; i < both(a, b); i++) {
                if (isNumber(a[i]) && isNumber(b[i])) {
                    products[i] += a[i] * b[i];
                    norms[i] += b[i] * b[i];
                }
            }
        }
        if (Arrays.stream(products).allMatch(product -> product == 0)) {
            return;
        }
        boolean norm = computation != null && computation.operation().equals(Computation.RMS_NORM);
        variants.add(new Variant(
                norm ? "weight not applied" : SCALES,
                norm ? "another weight than the reference, or none" : "each entry times a factor of its own",
                norm ? "the norm's weight" : "it without",
                "is the weight of the norm loaded, and is it this layer's?",
                reference.map(y -> {
                    double[] scaled = y.clone();
                    for (int i = 0; i < Math.min(scaled.length, width); i++) {
                        scaled[i] *= norms[i] == 0 ? 1 : products[i] / norms[i];
                    }
                    return scaled;
                })));
    }

    /** A factor and an offset, the same everywhere. */
    private void affine(List<Variant> variants) {
        double n = 0;
        double a = 0;
        double b = 0;
        double bb = 0;
        double ab = 0;
        for (int[] place : everyOther()) {
            double[] x = run.at(place);
            double[] y = reference.at(place);
            for (int i = 0; i < both(x, y); i++) {
                if (isNumber(x[i]) && isNumber(y[i])) {
                    n++;
                    a += x[i];
                    b += y[i];
                    bb += y[i] * y[i];
                    ab += x[i] * y[i];
                }
            }
        }
        double factor = (n * ab - a * b) / (n * bb - b * b);
        double offset = (a - factor * b) / n;
        if (Double.isFinite(factor) && factor != 0) {
            variants.add(new Variant(
                    "weight not applied",
                    String.format(Locale.ROOT, "the tensor times %.4g plus %.4g", factor, offset),
                    "it as it is",
                    "are scale and offset of the normalisation loaded, its running mean and variance folded in?",
                    reference.map(y -> Arrays.stream(y)
                            .map(value -> factor * value + offset)
                            .toArray())));
        }
    }

    private List<int[]> everyOther() {
        return places.size() < LEAST_PLACES
                ? places
                : IntStream.range(0, places.size())
                        .filter(i -> i % 2 == 0)
                        .mapToObj(places::get)
                        .toList();
    }

    private static int both(double[] a, double[] b) {
        return a == null || b == null ? 0 : Math.min(a.length, b.length);
    }

    private static boolean isNumber(double value) {
        return value > Fit.MASKED && value < -Fit.MASKED;
    }
}
