package org.luthier.debug;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.eclipse.collections.impl.factory.primitive.IntLists;

/**
 * One intermediate as it was recorded.
 *
 * @param name canonical name
 * @param shape sizes as stored, the first being rows; slices are already applied
 * @param values row-major; not copied, not to be changed
 * @param slices what part of which dimension was kept; a dimension without one is whole
 * @param noise largest difference that rounding alone makes (to a float64 run), or NaN where nobody measured it
 * @param integers whether the values are whole numbers, such as token ids, which are equal or not and never nearly so
 * @param steps whether a dimension counts decoding steps: the second, of attention scores [rows, heads, queries, keys] the third
 */
public record RecordedTensor(
        String name,
        List<Integer> shape,
        float[] values,
        List<Slice> slices,
        double noise,
        boolean integers,
        boolean steps) {
    /** Stands where nothing was computed: after the end of a row, at a key that was not there yet. A NaN that no arithmetic makes. */
    public static final float ABSENT = Float.intBitsToFloat(0x7fc0_4e41);

    /** Numbers outside a decoder. */
    public RecordedTensor(String name, List<Integer> shape, float[] values, List<Slice> slices, double noise) {
        this(name, shape, values, slices, noise, false, false);
    }

    /** A whole tensor of unknown noise. */
    public static RecordedTensor of(String name, float[] values, List<Integer> shape) {
        return new RecordedTensor(name, shape, values, List.of(), Double.NaN);
    }

    /** Whether nothing was computed here. */
    static boolean isAbsent(float value) {
        return Float.floatToRawIntBits(value) == Float.floatToRawIntBits(ABSENT);
    }

    /**
     * The dimension that counts decoding steps, where one does. What a single step offers is [rows, 1] of ids, [rows, heads, 1, keys] of
     * scores, [rows, 1, width] of the rest.
     */
    public static int stepAxis(int rank) {
        return Math.max(1, rank - 2);
    }

    public RecordedTensor {
        long size = shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
        if (size != values.length) {
            throw new IllegalArgumentException(
                    name + ": shape " + shape + " needs " + size + " values, got " + values.length);
        }
        for (Slice slice : slices) {
            if (slice.axis() < 0
                    || slice.axis() >= shape.size()
                    || slice.indices().size() != shape.get(slice.axis())) {
                throw new IllegalArgumentException(name + ": slice of "
                        + slice.indices().size() + " on axis " + slice.axis() + " does not fit shape " + shape);
            }
            int before = -1;
            for (int index : slice.indices().toArray()) {
                if (index <= before) {
                    throw new IllegalArgumentException(name + ": indices kept on axis " + slice.axis()
                            + " must ascend from 0: " + slice.indices());
                }
                before = index;
            }
        }
    }

    /** The largest value that is no mask, and at least 1: what differences are held against. */
    double scale() {
        double largest = 1;
        for (float value : values) {
            if (Float.isFinite(value) && value > CommonPlaces.MASKED) {
                largest = Math.max(largest, Math.abs(value));
            }
        }
        return largest;
    }

    /** The same, as if nobody had measured its noise. */
    RecordedTensor withoutNoise() {
        return new RecordedTensor(name, shape, values, slices, Double.NaN, integers, steps);
    }

    /** Which entries of the whole tensor's dimension the stored ones are; null where it is whole. */
    public int[] kept(int axis) {
        return slices.stream()
                .filter(slice -> slice.axis() == axis)
                .findFirst()
                .map(slice -> slice.indices().toArray())
                .orElse(null);
    }

    /**
     * A part of a whole tensor, for references that are to stay small.
     *
     * @throws IllegalArgumentException if the tensor is sliced already or the slice does not fit
     */
    public RecordedTensor keep(Slice slice) {
        if (!slices.isEmpty()) {
            throw new IllegalArgumentException(name + " is sliced already: " + slices);
        }
        return only(slice.axis(), slice.indices().toArray());
    }

    /** The part that has some entries of the whole tensor's dimension; those that were not kept are left out. */
    RecordedTensor only(int axis, int[] entries) {
        int[] kept = kept(axis);
        int[] whole = IntStream.of(entries)
                .filter(entry -> kept == null || Arrays.binarySearch(kept, entry) >= 0)
                .toArray();
        int inner = IntStream.range(axis + 1, shape.size()).map(shape::get).reduce(1, Math::multiplyExact);
        int length = shape.get(axis);
        int outer = values.length / Math.max(1, inner * length);
        float[] part = new float[outer * whole.length * inner];
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < whole.length; i++) {
                int stored = kept == null ? whole[i] : Arrays.binarySearch(kept, whole[i]);
                System.arraycopy(values, (o * length + stored) * inner, part, (o * whole.length + i) * inner, inner);
            }
        }
        List<Integer> size = new ArrayList<>(shape);
        size.set(axis, whole.length);
        List<Slice> all = new ArrayList<>(slices);
        all.removeIf(slice -> slice.axis() == axis);
        all.add(new Slice(axis, IntLists.immutable.of(whole)));
        return new RecordedTensor(name, List.copyOf(size), part, List.copyOf(all), noise, integers, steps);
    }
}
