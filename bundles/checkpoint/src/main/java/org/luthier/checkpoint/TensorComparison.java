package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.files.Sha256;

/** Two tensors of one name: whether they are the same, and if not, what was done to one to get the other. */
final class TensorComparison {
    /** Orders of axes grow as a factorial. */
    private static final int MOST_AXES = 5;

    private final Elements a;
    private final Elements b;

    /** As both would be in the type of the coarser one. */
    private final Elements coarseA;

    private final Elements coarseB;
    private final Rounding coarser;

    private long changed;
    private int firstChanged = -1;
    private long notFiniteA;
    private long notFiniteB;
    private int firstNotFinite = -1;
    private double maxAbs;
    private double relL2;

    TensorComparison(TensorInfo tensorA, ByteBuffer bytesA, TensorInfo tensorB, ByteBuffer bytesB) {
        a = new Elements(tensorA, bytesA);
        b = new Elements(tensorB, bytesB);
        Rounding toA = Rounding.to(tensorA.dtype());
        Rounding toB = Rounding.to(tensorB.dtype());
        boolean coarserA =
                toA != null && tensorA.dtype().bytes() < tensorB.dtype().bytes();
        boolean coarserB =
                toB != null && tensorB.dtype().bytes() < tensorA.dtype().bytes();
        coarser = coarserA ? toA : coarserB ? toB : null;
        coarseA = coarserB ? a.rounded(toB) : a;
        coarseB = coarserA ? b.rounded(toA) : b;
    }

    /** Whether shapes and values are the same, whatever the types. */
    boolean same() {
        return a.shape().equals(b.shape()) && a.same(b);
    }

    /** Largest absolute difference; NaN if the shapes differ or not all values are finite. */
    double maxAbs() {
        return maxAbs;
    }

    /** Euclidean length of the difference, relative to that of A; NaN as above, or infinite. */
    double relL2() {
        return relL2;
    }

    /** How many values differ; -1 if the shapes do. */
    long changed() {
        return changed;
    }

    /** sha256 of shape and values of A, in the type of the coarser one; by it contents are found under other names. */
    String contentsOfA() {
        return contents(coarseA);
    }

    /** As {@link #contentsOfA}, of B. */
    String contentsOfB() {
        return contents(coarseB);
    }

    private static String contents(Elements elements) {
        Sha256 sum = new Sha256();
        byte[] shape = elements.shape().toString().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        sum.update(shape, 0, shape.length);
        ByteBuffer block = ByteBuffer.allocate(1 << 16);
        for (int i = 0; i < elements.size(); i++) {
            block.putLong(elements.bits(i));
            if (!block.hasRemaining() || i == elements.size() - 1) {
                sum.update(block.flip());
                block.clear();
            }
        }
        return sum.hex();
    }

    /** How tensors that are not the same differ. */
    Finding find() {
        boolean shaped = a.shape().equals(b.shape());
        if (shaped) {
            measure();
            Finding rounded = rounded();
            if (rounded != null) {
                return rounded;
            }
        } else {
            changed = -1;
            maxAbs = Double.NaN;
            relL2 = Double.NaN;
        }
        Finding finding = a.size() == b.size() ? rearranged() : null;
        if (finding == null) {
            finding = sliced();
        }
        if (finding == null && shaped) {
            finding = notFiniteA != notFiniteB ? notFinite() : scaled();
        }
        if (finding == null) {
            return shaped
                    ? values()
                    : new Finding(Finding.Kind.SHAPE, "A has the shape " + a.shape() + ", B " + b.shape());
        }
        return coarser == null || finding.kind() == Finding.Kind.NOT_FINITE || finding.kind() == Finding.Kind.SCALED
                ? finding
                : finding.and(", " + coarser);
    }

    private void measure() {
        double squares = 0;
        double squaresOfA = 0;
        for (int i = 0; i < a.size(); i++) {
            double one = a.at(i);
            double other = b.at(i);
            if (a.bits(i) != b.bits(i)) {
                changed++;
                firstChanged = firstChanged < 0 ? i : firstChanged;
            }
            boolean finiteA = Double.isFinite(one);
            boolean finiteB = Double.isFinite(other);
            notFiniteA += finiteA ? 0 : 1;
            notFiniteB += finiteB ? 0 : 1;
            if (finiteA != finiteB && firstNotFinite < 0) {
                firstNotFinite = i;
            }
            double difference = Math.abs(one - other);
            // Not NaN > maxAbs: what is not finite shall be seen.
            maxAbs = difference <= maxAbs ? maxAbs : difference;
            squares += difference * difference;
            squaresOfA += one * one;
        }
        relL2 = Math.sqrt(squares / squaresOfA);
    }

    private Finding rounded() {
        for (Rounding rounding : Rounding.values()) {
            String which = a.rounded(rounding).same(b)
                    ? "B is A "
                    : b.rounded(rounding).same(a) ? "A is B " : null;
            if (which != null) {
                long overflowed = Math.abs(notFiniteA - notFiniteB);
                return new Finding(
                        Finding.Kind.ROUNDED,
                        which
                                + rounding
                                + (overflowed == 0 ? "" : "; " + overflowed + " too large for it became infinite"));
            }
        }
        return null;
    }

    /** The same values in the order of other axes, or under another shape. */
    private Finding rearranged() {
        if (coarseA.same(coarseB)) {
            if (a.shape().equals(b.shape())) {
                return null;
            }
            boolean turned = !sizes(a).equals(sizes(b)) && sorted(a).equals(sorted(b));
            return new Finding(
                    Finding.Kind.RESHAPED,
                    "the same values in the same order, A as " + a.shape() + ", B as " + b.shape()
                            + (turned ? ": reshaped instead of transposed" : ""));
        }
        if (Math.max(a.shape().size(), b.shape().size()) > MOST_AXES) {
            return null;
        }
        for (int[] axes : orders(a.shape().size())) {
            if (coarseA.sameTransposed(axes, coarseB)) {
                return transposed("B", axes, "A", a.shape(), b.shape());
            }
        }
        // The other way round is something else where the shape does not follow.
        for (int[] axes : orders(b.shape().size())) {
            if (coarseB.sameTransposed(axes, coarseA)) {
                return transposed("A", axes, "B", b.shape(), a.shape());
            }
        }
        return null;
    }

    /** One has the other's values in the order of other axes, and perhaps the shape that goes with it. */
    private static Finding transposed(String one, int[] axes, String other, List<Long> from, List<Long> shape) {
        List<Long> fitting = new ArrayList<>();
        List<Integer> order = new ArrayList<>();
        for (int axis : axes) {
            fitting.add(from.get(axis));
            order.add(axis);
        }
        String how = axes.length == 2 ? "" : ", axes " + order;
        if (fitting.equals(shape)) {
            return new Finding(Finding.Kind.TRANSPOSED, one + " is " + other + " transposed" + how);
        }
        return new Finding(
                Finding.Kind.RESHAPED,
                one + " has the values of " + other + " transposed" + how + " under the shape " + shape
                        + (from.equals(shape)
                                ? ": one of them was reshaped instead of transposed"
                                : ", not " + fitting));
    }

    private static List<Long> sizes(Elements elements) {
        return elements.shape().stream().filter(size -> size != 1).toList();
    }

    private static List<Long> sorted(Elements elements) {
        return sizes(elements).stream().sorted().toList();
    }

    /** All orders of axes but the one they are in. */
    private static List<int[]> orders(int rank) {
        List<int[]> orders = new ArrayList<>(List.of(new int[0]));
        for (int length = 0; length < rank; length++) {
            List<int[]> longer = new ArrayList<>();
            for (int[] order : orders) {
                for (int axis = 0; axis < rank; axis++) {
                    int next = axis;
                    if (java.util.Arrays.stream(order).noneMatch(used -> used == next)) {
                        int[] more = java.util.Arrays.copyOf(order, length + 1);
                        more[length] = axis;
                        longer.add(more);
                    }
                }
            }
            orders = longer;
        }
        // The first is 0, 1, 2, ...
        return orders.subList(1, orders.size());
    }

    /** Rows, columns or what lies between, elsewhere. */
    private Finding sliced() {
        for (int axis : Slices.axes(a.shape().size())) {
            Slices slices = Slices.find(coarseA, coarseB, axis);
            Finding finding = slices == null ? null : slices.finding();
            if (finding != null) {
                return finding;
            }
        }
        return null;
    }

    private Finding notFinite() {
        boolean inA = notFiniteA > notFiniteB;
        double value = (inA ? a : b).at(firstNotFinite);
        return new Finding(
                Finding.Kind.NOT_FINITE,
                (inA ? "A" : "B") + " has " + (inA ? notFiniteA : notFiniteB) + " NaN or infinities, "
                        + (inA ? "B" : "A") + " " + (inA ? notFiniteB : notFiniteA) + "; the first is " + value + " at "
                        + a.place(firstNotFinite) + "; " + (changed - Math.abs(notFiniteA - notFiniteB))
                        + " other values differ");
    }

    /** One number times A is B, but for the rounding of their types. */
    private Finding scaled() {
        double products = 0;
        double squares = 0;
        for (int i = 0; i < a.size(); i++) {
            products += a.at(i) * b.at(i);
            squares += a.at(i) * a.at(i);
        }
        double factor = products / squares;
        Rounding type = coarser != null ? coarser : Rounding.F32;
        // A half unit for each of the two, and one for the factor's product.
        double relative = 4 * type.unit();
        if (factor == 0 || !Double.isFinite(factor) || Math.abs(factor - 1) <= relative) {
            return null;
        }
        for (int i = 0; i < a.size(); i++) {
            double expected = factor * a.at(i);
            double most = relative * Math.abs(expected) + (1 + Math.abs(factor)) * type.smallest();
            if (!(Math.abs(b.at(i) - expected) <= most)) {
                return null;
            }
        }
        if (Math.abs(factor + 1) <= relative) {
            return new Finding(Finding.Kind.NEGATED, "B is A with the other sign");
        }
        return new Finding(
                Finding.Kind.SCALED,
                String.format(Locale.ROOT, type == Rounding.F32 ? "B is A times %.6g" : "B is A times %.3g", factor));
    }

    private Finding values() {
        String size = maxAbs == 0
                ? "in nothing but the sign of zeros"
                : Double.isFinite(maxAbs)
                        ? String.format(Locale.ROOT, "by at most %.3g, relative L2 %.3g", maxAbs, relL2)
                        : "not all of them finite";
        return new Finding(
                Finding.Kind.VALUES,
                changed + " of " + a.size() + " values differ, " + size + "; the first at " + a.place(firstChanged));
    }
}
