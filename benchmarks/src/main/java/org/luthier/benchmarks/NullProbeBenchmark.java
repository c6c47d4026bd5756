package org.luthier.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.Weights;
import org.luthier.api.model.Layer;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.nn.Heads;
import org.luthier.nn.Kernels;
import org.luthier.nn.t5.Batch;
import org.luthier.nn.t5.DecoderStack;
import org.luthier.nn.t5.DecoderState;
import org.luthier.nn.t5.Memory;
import org.luthier.nn.t5.Sequences;
import org.luthier.nn.t5.StackMemory;
import org.luthier.nn.t5.T5Sizes;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What taps cost that nobody wants: a step of a decoder of MT3's size, one row, the shortest computation that has all of them, beside as
 * many offers to the null probe as the step makes.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class NullProbeBenchmark {
    private static final T5Sizes SIZES = new T5Sizes(512, new Heads(6, 64, 1), 1024);
    private static final int LAYERS = 8;
    private static final int IDS = 1536;
    private static final int MAX_TOKENS = 1024;
    private static final int ENCODER_LENGTH = 256;

    private final Position at = Position.segments(0, 1);
    private final int[] ids = {100};
    private final Memory memory = new Memory();
    private final Memory outputs = new Memory();
    private final StackMemory stack = new StackMemory(SIZES);
    /** Not a constant, as in a session. */
    private Probe probe = Probe.NONE;

    private DecoderStack decoder;
    private DecoderState state;
    private Sequences encoded;
    private Sequences logits;
    private List<String> taps;

    @Setup
    public void prepare() {
        decoder = new DecoderStack(
                "decoder", "encoder.out", Kernels.named("cpu"), new RandomWeights(), SIZES, LAYERS, IDS, MAX_TOKENS);
        taps = new ArrayList<>();
        collect(decoder);
        encoded = memory.sequences(1, ENCODER_LENGTH, SIZES.model());
        encoded.flat().assign(0.1);
        logits = outputs.sequences(1, 1, IDS);
    }

    private void collect(Layer layer) {
        layer.children().forEach(this::collect);
        taps.addAll(layer.taps());
    }

    /** Every iteration begins with an empty cache. */
    @Setup(Level.Iteration)
    public void begin() {
        close(state);
        state = new DecoderState();
        decoder.begin(encoded, state, stack.scratch(), at, probe);
    }

    @TearDown
    public void close() {
        close(state);
        decoder.close();
        stack.close();
        memory.close();
        outputs.close();
    }

    private static void close(DecoderState state) {
        if (state != null) {
            state.close();
        }
    }

    /** A step with its cache, as a transcription makes it. */
    @Benchmark
    public Sequences step() {
        if (state.length() == MAX_TOKENS) {
            begin();
        }
        Batch batch = stack.batch(1, 1);
        decoder.forward(ids, state, batch, logits, at.at(state.length()), probe);
        return logits;
    }

    /** Its offers alone. */
    @Benchmark
    public Sequences offers() {
        for (String tap : taps) {
            probe.offer(tap, at, logits.shaped());
        }
        return logits;
    }

    private static final class RandomWeights implements Weights {
        private final Random random = new Random(1);

        @Override
        public float[] take(String name, long... shape) {
            float[] values = new float[Math.toIntExact(LongStream.of(shape).reduce(1, Math::multiplyExact))];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian() * 0.05f;
            }
            return values;
        }

        @Override
        public String sourceName(String name) {
            return name;
        }

        @Override
        public Ledger ledger() {
            return new Ledger("random", "", "mt3", List.of());
        }

        @Override
        public void finish() {}
    }
}
