package org.luthier.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.luthier.api.checkpoint.DType;
import org.luthier.api.checkpoint.TensorInfo;

/** Each difference is made on purpose, and must be told by its name. */
class TensorComparisonTest {
    private record Tensor(TensorInfo info, ByteBuffer bytes) {
        static Tensor of(DType dtype, double[] values, long... shape) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (double value : values) {
                switch (dtype) {
                    case F64 -> bytes.putDouble(value);
                    case F32 -> bytes.putFloat((float) value);
                    case F16 -> bytes.putShort(half(value));
                    case BF16 ->
                        bytes.putShort((short) (Float.floatToRawIntBits((float) Rounding.BF16.of(value)) >>> 16));
                    case I64 -> bytes.putLong((long) value);
                    default -> throw new IllegalArgumentException();
                }
            }
            List<Long> sizes = Arrays.stream(shape).boxed().toList();
            return new Tensor(new TensorInfo("w", sizes, dtype), bytes.flip());
        }

        /** By searching the pattern of bits that stands for the value. */
        private static short half(double value) {
            double wanted = Rounding.F16.of(value);
            for (int bits = 0; bits < 1 << 16; bits++) {
                if (Double.doubleToLongBits(Floats.half((short) bits)) == Double.doubleToLongBits(wanted)) {
                    return (short) bits;
                }
            }
            throw new AssertionError(value);
        }

        Tensor as(DType dtype) {
            return of(dtype, values(), shape());
        }

        double[] values() {
            Elements elements = new Elements(info, bytes);
            double[] values = new double[elements.size()];
            Arrays.setAll(values, elements::at);
            return values;
        }

        long[] shape() {
            return info.shape().stream().mapToLong(Long::longValue).toArray();
        }

        Tensor map(DoubleUnaryOperator change) {
            return of(info.dtype(), Arrays.stream(values()).map(change).toArray(), shape());
        }

        Tensor transposed(int... axes) {
            List<Long> shape = Arrays.stream(axes).mapToObj(info.shape()::get).toList();
            return new Tensor(
                    new TensorInfo("w", shape, info.dtype()),
                    Transpose.apply(bytes, info.shape(), info.dtype().bytes(), axes));
        }

        Tensor reshaped(long... shape) {
            return of(info.dtype(), values(), shape);
        }

        /** Row i is row {@code from[i]} of this; zeros where that is -1. */
        Tensor rows(int... from) {
            double[] values = values();
            int width = values.length / info.shape().get(0).intValue();
            double[] moved = new double[from.length * width];
            for (int i = 0; i < from.length; i++) {
                if (from[i] >= 0) {
                    System.arraycopy(values, from[i] * width, moved, i * width, width);
                }
            }
            long[] shape = shape();
            shape[0] = from.length;
            return of(info.dtype(), moved, shape);
        }
    }

    private static Tensor random(long... shape) {
        Random random = new Random(Arrays.hashCode(shape));
        double[] values = new double[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        Arrays.setAll(values, i -> random.nextGaussian() * 0.1);
        return Tensor.of(DType.F32, values, shape);
    }

    private static Finding find(Tensor a, Tensor b) {
        return new TensorComparison(a.info, a.bytes, b.info, b.bytes).find();
    }

    private static void assertFinding(Finding.Kind kind, String text, Tensor a, Tensor b) {
        Finding finding = find(a, b);
        assertEquals(kind + ": " + text, finding.kind() + ": " + finding.text());
    }

    @ParameterizedTest
    @CsvSource({"F16, rounded to F16", "BF16, rounded to BF16", "F32, rounded to F32"})
    void rounding(DType type, String text) {
        Tensor a = type == DType.F32 ? Tensor.of(DType.F64, new double[] {Math.PI, Math.E, -1e-9, 1}, 4) : random(5, 7);
        assertFinding(Finding.Kind.ROUNDED, "B is A " + text, a, a.as(type));
        assertFinding(Finding.Kind.ROUNDED, "A is B " + text, a.as(type), a);
        // The bits are lost, the type is not: a file that was converted back.
        assertFinding(
                Finding.Kind.ROUNDED,
                "B is A " + text,
                a,
                a.as(type).as(a.info().dtype()));
    }

    @Test
    void cuttingInsteadOfRounding() {
        Tensor a = random(5, 7);
        Tensor cut = a.map(value -> Float.intBitsToFloat(Float.floatToRawIntBits((float) value) & 0xffff0000));
        assertFinding(Finding.Kind.ROUNDED, "B is A cut to BF16", a, cut);
    }

    @Test
    void roundingThatOverflows() {
        Tensor a = Tensor.of(DType.F32, new double[] {1.0001, 70000, -1e9, 3e-9}, 4);
        assertFinding(
                Finding.Kind.ROUNDED,
                "B is A rounded to F16; 2 too large for it became infinite",
                a,
                a.map(Rounding.F16::of));
    }

    /** Against the definition: the nearest of all values there are, and of two the one whose bits are even. */
    @Test
    void roundingToHalfByDefinition() {
        Random random = new Random(1);
        for (int i = 0; i < 2000; i++) {
            double value = Float.intBitsToFloat(random.nextInt(0x30000000, 0x47800000));
            double rounded = Rounding.F16.of(value);
            short best = 0;
            for (int bits = 0; bits < 0x7c00; bits++) {
                double distance = Math.abs(Floats.half((short) bits) - value);
                double least = Math.abs(Floats.half(best) - value);
                if (distance < least || distance == least && bits % 2 == 0) {
                    best = (short) bits;
                }
            }
            assertEquals(value >= 65520 ? Double.POSITIVE_INFINITY : Floats.half(best), rounded, "" + value);
            assertEquals(-rounded, Rounding.F16.of(-value));
        }
        assertEquals(0x1p-24, Rounding.F16.of(0x1.1p-25));
        assertEquals(0, Rounding.F16.of(0x1p-25));
        assertEquals(65504, Rounding.F16.of(65519));
    }

    @Test
    void roundingToFloatAsJavaDoes() {
        Random random = new Random(2);
        for (int i = 0; i < 100_000; i++) {
            double value = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(value)) {
                assertEquals((double) (float) value, Rounding.F32.of(value));
            }
        }
    }

    @Test
    void transposition() {
        assertFinding(
                Finding.Kind.TRANSPOSED,
                "B is A transposed",
                random(4, 6),
                random(4, 6).transposed(1, 0));
        assertFinding(
                Finding.Kind.TRANSPOSED,
                "B is A transposed",
                random(5, 5),
                random(5, 5).transposed(1, 0));
        assertFinding(
                Finding.Kind.TRANSPOSED,
                "B is A transposed, axes [3, 2, 0, 1]",
                random(2, 3, 4, 5),
                random(2, 3, 4, 5).transposed(3, 2, 0, 1));
        Tensor a = random(4, 6);
        assertFinding(
                Finding.Kind.TRANSPOSED,
                "B is A transposed, rounded to F16",
                a,
                a.transposed(1, 0).as(DType.F16));
    }

    @Test
    void reshaping() {
        Tensor a = random(4, 6);
        assertFinding(
                Finding.Kind.RESHAPED,
                "the same values in the same order, A as [4, 6], B as [6, 4]: reshaped instead of transposed",
                a,
                a.reshaped(6, 4));
        assertFinding(
                Finding.Kind.RESHAPED,
                "B has the values of A transposed under the shape [4, 6]: one of them was reshaped instead of transposed",
                a,
                a.transposed(1, 0).reshaped(4, 6));
        // A converter that stored [6, 4] by way of a reshape, read by rules that transpose.
        assertFinding(
                Finding.Kind.RESHAPED,
                "A has the values of B transposed under the shape [4, 6]: one of them was reshaped instead of transposed",
                a,
                a.reshaped(6, 4).transposed(1, 0));
        assertFinding(
                Finding.Kind.RESHAPED,
                "the same values in the same order, A as [4, 6], B as [4, 1, 6]",
                a,
                a.reshaped(4, 1, 6));
        assertFinding(
                Finding.Kind.RESHAPED,
                "B has the values of A transposed under the shape [6, 2, 2], not [6, 4]",
                a,
                a.transposed(1, 0).reshaped(6, 2, 2));
    }

    @Test
    void shifts() {
        Tensor a = random(8, 3);
        assertFinding(
                Finding.Kind.SHIFTED,
                "rows 3 to 7 of B are 0 to 4 of A, shifted by 3; 3 others differ",
                a,
                a.rows(-1, -1, -1, 0, 1, 2, 3, 4));
        assertFinding(
                Finding.Kind.SHIFTED, "rows of B are A's, shifted around by 3", a, a.rows(5, 6, 7, 0, 1, 2, 3, 4));
        assertFinding(
                Finding.Kind.SHIFTED,
                "columns of B are A's, shifted around by -1",
                a.transposed(1, 0),
                a.rows(1, 2, 3, 4, 5, 6, 7, 0).transposed(1, 0));
        // Another number of rows: special tokens that were added in front.
        assertFinding(
                Finding.Kind.SHIFTED,
                "rows 3 to 10 of B are 0 to 7 of A, shifted by 3; 3 others differ",
                a,
                a.rows(-1, -1, -1, 0, 1, 2, 3, 4, 5, 6, 7));
        // In the middle only.
        assertFinding(
                Finding.Kind.SHIFTED,
                "rows 3 to 7 of B are 2 to 6 of A, shifted by 1; 1 others differ",
                a,
                a.rows(0, 1, -1, 2, 3, 4, 5, 6));
    }

    @Test
    void permutations() {
        Tensor a = random(8, 3);
        assertFinding(Finding.Kind.PERMUTED, "rows 2 and 5 are exchanged", a, a.rows(0, 1, 5, 3, 4, 2, 6, 7));
        assertFinding(
                Finding.Kind.PERMUTED,
                "rows of B are A's in another order, in 4 blocks of 2 such as heads",
                a,
                a.rows(4, 5, 0, 1, 6, 7, 2, 3));
        assertFinding(
                Finding.Kind.PERMUTED,
                "columns of B are A's in another order, in 4 blocks of 2 such as heads",
                a.transposed(1, 0),
                a.rows(4, 5, 0, 1, 6, 7, 2, 3).transposed(1, 0));
        assertFinding(Finding.Kind.PERMUTED, "rows of B are A's in another order", a, a.rows(3, 0, 7, 1, 6, 2, 5, 4));
        assertFinding(
                Finding.Kind.PERMUTED,
                "rows of B are A's interleaved: as [4, 2] taken for [2, 4]",
                a,
                a.rows(0, 4, 1, 5, 2, 6, 3, 7));
        Tensor heads = random(2, 3, 4);
        assertFinding(
                Finding.Kind.PERMUTED,
                "axis-1 slices 1 and 2 are exchanged",
                heads,
                heads.transposed(1, 0, 2).rows(0, 2, 1).transposed(1, 0, 2));
    }

    @Test
    void padding() {
        Tensor a = random(4, 3);
        assertFinding(Finding.Kind.PADDED, "B has the 4 rows of A and 2 more, all zero", a, a.rows(0, 1, 2, 3, -1, -1));
        assertFinding(Finding.Kind.PADDED, "A has the 4 rows of B and 1 more, not zero", a.rows(0, 1, 2, 3, 0), a);
        assertFinding(
                Finding.Kind.PADDED,
                "B has the 4 columns of A and 2 more, all zero, rounded to F16",
                a.transposed(1, 0),
                a.rows(0, 1, 2, 3, -1, -1).transposed(1, 0).as(DType.F16));
    }

    @Test
    void factorsAndSigns() {
        Tensor a = random(4, 6);
        assertFinding(Finding.Kind.SCALED, "B is A times 0.125000", a, a.map(value -> value / 8));
        assertFinding(Finding.Kind.SCALED, "B is A times 22.6274", a, a.map(value -> value * Math.sqrt(512)));
        assertFinding(
                Finding.Kind.SCALED,
                "B is A times -3.00",
                a,
                a.map(value -> value * -3).as(DType.F16));
        assertFinding(Finding.Kind.NEGATED, "B is A with the other sign", a, a.map(value -> -value));
    }

    @Test
    void notFinite() {
        Tensor a = random(4, 6);
        double[] values = a.values();
        values[7] = Double.NaN;
        values[9] = Double.NEGATIVE_INFINITY;
        values[11] += 1;
        assertFinding(
                Finding.Kind.NOT_FINITE,
                "B has 2 NaN or infinities, A 0; the first is NaN at [1, 1]; 1 other values differ",
                a,
                Tensor.of(DType.F32, values, 4, 6));
    }

    @Test
    void otherValues() {
        Tensor a = Tensor.of(DType.F32, new double[] {1, 2, 3, 4}, 2, 2);
        assertFinding(
                Finding.Kind.VALUES,
                "1 of 4 values differ, by at most 3.00, relative L2 0.548; the first at [1, 0]",
                a,
                Tensor.of(DType.F32, new double[] {1, 2, 0, 4}, 2, 2));
        assertFinding(
                Finding.Kind.VALUES,
                "1 of 2 values differ, in nothing but the sign of zeros; the first at [1]",
                Tensor.of(DType.F32, new double[] {1, 0}, 2),
                Tensor.of(DType.F32, new double[] {1, -0.0}, 2));
        assertFinding(Finding.Kind.SHAPE, "A has the shape [2, 2], B [5]", a, Tensor.of(DType.F32, new double[5], 5));
        assertFinding(
                Finding.Kind.VALUES,
                "1 of 1 values differ, by at most 2.00, relative L2 1.00; the first at []",
                Tensor.of(DType.I64, new double[] {2}),
                Tensor.of(DType.I64, new double[] {0}));
    }

    @Test
    void theSameInAnotherType() {
        Tensor a = random(3, 4).as(DType.F16);
        Tensor b = a.as(DType.F64);
        assertTrue(new TensorComparison(a.info, a.bytes, b.info, b.bytes).same());
    }

    /** Nothing is found where nothing is, however degenerate. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 50})
    void unrelatedTensorsHaveNoReason(int size) {
        Tensor a = random(size, 3);
        Tensor b = random(size, 3, 1).reshaped(size, 3);
        assertEquals(Finding.Kind.VALUES, find(a, b).kind());
        Tensor zero = a.map(value -> 0);
        assertEquals(Finding.Kind.VALUES, find(a, zero).kind());
        assertEquals(Finding.Kind.VALUES, find(zero, a).kind());
    }

    @Test
    void emptyTensors() {
        Tensor a = Tensor.of(DType.F32, new double[0], 0, 3);
        Tensor b = Tensor.of(DType.F32, new double[0], 3, 0);
        assertEquals(Finding.Kind.RESHAPED, find(a, b).kind());
        assertEquals(Finding.Kind.SHAPE, find(a, random(2, 3)).kind());
    }
}
