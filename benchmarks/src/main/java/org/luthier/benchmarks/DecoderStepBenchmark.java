package org.luthier.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.KeyValueCache;
import org.luthier.nn.Projection;
import org.luthier.nn.Scratch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The parts of a step of MT3's decoder, 8 layers with random weights, on one thread: what is read from memory at every step. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DecoderStepBenchmark {
    private static final int LAYERS = 8;
    private static final int MODEL = 512;
    private static final int HIDDEN = 1024;
    private static final int ENCODER_LENGTH = 256;
    private static final Heads HEADS = new Heads(6, 64, 1);

    @Param({"cpu", "nd4j"})
    public String id;

    /** Segments that are decoded at once. */
    @Param({"1", "5", "16", "40"})
    public int rows;

    private final List<Product> products = new ArrayList<>();
    private final List<KeyValueCache> crossAttention = new ArrayList<>();
    private final Scratch scratch = new Scratch();
    private final Random random = new Random(1);
    private Kernels kernels;
    private INDArray queries;
    private INDArray context;

    private record Product(Projection matrix, INDArray x, INDArray y) {}

    @Setup
    public void prepare() {
        kernels = Kernels.named(id);
        int width = HEADS.width();
        queries = random(rows, 1, width);
        context = random(rows, 1, width);
        for (int layer = 0; layer < LAYERS; layer++) {
            product(MODEL, 3 * width);
            product(width, MODEL);
            product(MODEL, width);
            product(width, MODEL);
            product(MODEL, 2 * HIDDEN);
            product(HIDDEN, MODEL);
            KeyValueCache encoded = kernels.cache(HEADS, rows);
            encoded.append(random(rows, ENCODER_LENGTH, width), random(rows, ENCODER_LENGTH, width));
            crossAttention.add(encoded);
        }
        product(MODEL, 1536);
    }

    private void product(int inputs, int outputs) {
        products.add(new Product(
                kernels.projection(random(inputs, outputs).data().asFloat(), inputs, outputs),
                random(rows, inputs),
                random(rows, outputs)));
    }

    private INDArray random(long... shape) {
        float[] values = new float[Math.toIntExact(LongStream.of(shape).reduce(1, Math::multiplyExact))];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() * 0.1f;
        }
        return Nd4j.create(values, shape, 'c');
    }

    @TearDown
    public void close() {
        products.forEach(product -> product.matrix().close());
        crossAttention.forEach(KeyValueCache::close);
        scratch.close();
    }

    /** All matrix products of a step. */
    @Benchmark
    public void products() {
        for (Product product : products) {
            product.matrix().apply(product.x(), product.y(), scratch);
        }
    }

    /** Attention to what the encoder made, in all layers. */
    @Benchmark
    public INDArray crossAttention() {
        for (KeyValueCache encoded : crossAttention) {
            encoded.attend(queries, false, context, scratch);
        }
        return context;
    }
}
