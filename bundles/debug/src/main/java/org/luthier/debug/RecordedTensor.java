package org.luthier.debug;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

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

    /** The same, as if nobody had measured its noise. */
    RecordedTensor withoutNoise() {
        return new RecordedTensor(name, shape, values, slices, Double.NaN, integers, steps);
    }

    /** Which entries of the whole tensor's dimension the stored ones are; null where it is whole. */
    int[] kept(int axis) {
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
        int inner =
                IntStream.range(slice.axis() + 1, shape.size()).map(shape::get).reduce(1, Math::multiplyExact);
        int length = shape.get(slice.axis());
        int outer = values.length / Math.max(1, inner * length);
        int[] indices = slice.indices().toArray();
        float[] part = new float[outer * indices.length * inner];
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < indices.length; i++) {
                System.arraycopy(
                        values, (o * length + indices[i]) * inner, part, (o * indices.length + i) * inner, inner);
            }
        }
        List<Integer> kept = new ArrayList<>(shape);
        kept.set(slice.axis(), indices.length);
        return new RecordedTensor(name, List.copyOf(kept), part, List.of(slice), noise, integers, steps);
    }
}
