package org.luthier.nn;

import static org.luthier.nn.Tensors.assertClose;
import static org.luthier.nn.Tensors.floats;
import static org.luthier.nn.Tensors.tolerance;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Sizes at which the fast kernels cut their work into pieces: all pieces are there, none twice, none in another's place. */
class LargeSizesTest {
    private static final Kernels ORACLE = Kernels.named("plain");
    private static final Kernels CPU = Kernels.named("cpu");

    @ParameterizedTest
    @CsvSource({"12, 1024, 70", "13, 1024, 64", "61, 1024, 65", "256, 512, 129", "40, 3000, 64", "5, 20000, 64"})
    void products(int rows, int inputs, int outputs) {
        Random random = new Random(1);
        float[] weight = floats(random, inputs * outputs);
        INDArray x = Memory.WHOLE.random(random, rows, inputs);
        INDArray expected = Memory.WHOLE.random(random, rows, outputs);
        INDArray output = expected.dup('c');
        try (Projection oracle = ORACLE.projection(weight, inputs, outputs);
                Projection tested = CPU.projection(weight, inputs, outputs);
                Scratch scratch = new Scratch()) {
            oracle.accumulate(x, expected, scratch);
            tested.accumulate(x, output, scratch);
            assertClose(expected, output, tolerance(inputs), 1e-5);
            oracle.apply(x, expected, scratch);
            tested.apply(x, output, scratch);
            assertClose(expected, output, tolerance(inputs), 1e-5);
        }
    }

    /** Pieces of the queries of a head, of the heads of a query, and a query that is more than a piece; a page and many. */
    @ParameterizedTest
    @CsvSource({"130, 256", "130, 130", "1, 5000", "3, 5000", "2, 9000", "1, 70000"})
    void attention(int queries, int length) {
        Random random = new Random(2);
        Heads heads = new Heads(3, 16, 0.5f);
        INDArray keys = Memory.WHOLE.random(random, 2, length, heads.width());
        INDArray values = Memory.WHOLE.random(random, 2, length, heads.width());
        INDArray q = Memory.WHOLE.random(random, 2, queries, heads.width());
        try (KeyValues oracle = ORACLE.keyValues(heads, keys, values);
                KeyValues tested = CPU.keyValues(heads, keys, values);
                KeyValueCache page = CPU.cache(heads, 2);
                KeyValueCache pages = CPU.cache(heads, 2);
                Scratch scratch = new Scratch()) {
            page.append(keys, values);
            int first = 70;
            pages.append(positions(keys, 0, first), positions(values, 0, first));
            pages.append(positions(keys, first, length), positions(values, first, length));
            for (boolean causal : new boolean[] {false, true}) {
                INDArray expected = Memory.WHOLE.empty(2, queries, heads.width());
                oracle.attend(q, causal, expected, scratch);
                for (KeyValues each : new KeyValues[] {tested, page, pages}) {
                    INDArray output = Memory.WHOLE.empty(2, queries, heads.width());
                    each.attend(q, causal, output, scratch);
                    // Averages of normal numbers, with weights that are known to about 1e-6.
                    assertClose(expected, output, 5e-6);
                }
            }
        }
    }

    private static INDArray positions(INDArray x, int from, int end) {
        return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, end), NDArrayIndex.all());
    }
}
