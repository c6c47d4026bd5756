package org.luthier.debug.cause;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.luthier.api.model.Computation;
import org.luthier.debug.RecordedTensor;

class RearrangementTest {
    private static Computation computation(String operation, String pattern) {
        return new Computation("y", operation, List.of("x"), Map.of(), Map.of("pattern", pattern));
    }

    private static List<Integer> sizes(String text) {
        return Arrays.stream(text.split(" ")).map(Integer::valueOf).toList();
    }

    private static RecordedTensor counted(List<Integer> shape) {
        float[] values = new float[shape.stream().reduce(1, Math::multiplyExact)];
        IntStream.range(0, values.length).forEach(i -> values[i] = i);
        return new RecordedTensor("x", shape, values, List.of(), 1e-6);
    }

    /** Every number where the oracle has it, of more segments than one run has at a time. */
    @ParameterizedTest
    @CsvSource({
        "b t k d -> (b t) k d, 2 3 4 5, 3 4 5, 6 4 5",
        "(b k) t d -> (b t) k d, 8 3 5, 3 4 5, 6 4 5",
        "(b t) k d -> (b k) t d, 6 4 5, 4 3 5, 8 3 5",
        "(b k) t d -> b t k d, 8 3 5, 1 3 4 5, 2 3 4 5",
        "b t f c -> (b t) c f, 2 3 4 5, 3 5 4, 6 5 4",
        "b c t f -> b t f c, 2 3 4 5, 1 4 5 3, 2 4 5 3",
        "b (k c) d -> b d (c k), 2 6 5, 1 5 6, "
    })
    void numbersAreMovedAsTheOracleMovesThem(String pattern, String in, String tapped, String whole) {
        RecordedTensor input = counted(sizes(in));
        RecordedTensor made = Rearrangement.of(computation(Computation.REARRANGEMENT, pattern), input, sizes(tapped));
        if (whole == null) {
            assertNull(made, "nothing tells how many k there are");
            return;
        }
        assertEquals(sizes(whole), made.shape());
        assertEquals("y", made.name());
        assertEquals(1e-6, made.noise());
        int[] shape = sizes(whole).stream().mapToInt(Integer::intValue).toArray();
        Field oracle = Arrangement.of(pattern).apply(Plane.whole(input), shape);
        int width = oracle.width();
        for (int line = 0; line * width < made.values().length; line++) {
            int[] index = new int[shape.length - 1];
            int rest = line;
            for (int axis = index.length - 1; axis >= 0; axis--) {
                index[axis] = rest % shape[axis];
                rest /= shape[axis];
            }
            double[] got = IntStream.range(line * width, (line + 1) * width)
                    .mapToDouble(i -> made.values()[i])
                    .toArray();
            assertArrayEquals(oracle.at(index), got);
        }
    }

    @Test
    void whatDoesNotFitIsNotMade() {
        Computation computation = computation(Computation.REARRANGEMENT, "(b k) t d -> (b t) k d");
        assertNull(Rearrangement.of(computation, counted(List.of(7, 3, 5)), List.of(3, 4, 5)), "rows of 4 latents");
        assertNull(Rearrangement.of(computation, counted(List.of(8, 3, 5)), List.of(3, 4, 6)), "another width");
        assertNull(Rearrangement.of(computation, counted(List.of(8, 15)), List.of(3, 4, 5)), "fewer axes");
    }

    @Test
    void onlyPureMovesAreRearrangements() {
        String pattern = "b t d -> b d t";
        assertTrue(Rearrangement.is(computation(Computation.REARRANGEMENT, pattern)));
        assertFalse(Rearrangement.is(computation(Computation.REARRANGEMENT_AND_POSITIONS, pattern)));
        assertFalse(Rearrangement.is(computation(Computation.ARRANGED_PROJECTION, pattern)));
        assertFalse(Rearrangement.is(null));
    }
}
