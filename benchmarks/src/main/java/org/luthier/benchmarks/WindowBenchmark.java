package org.luthier.benchmarks;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.luthier.checkpoint.Checkpoints;
import org.nd4j.linalg.api.ndarray.INDArray;
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

/** One window of Basic Pitch (2 s), from samples to posteriorgrams, on one thread. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class WindowBenchmark {
    /** The plain kernels take most of a second; name them with {@code -p kernels=plain}. */
    @Param({"cpu", "nd4j"})
    public String kernels;

    private BasicPitchRun run;
    private float[] samples;

    @Setup
    public void open() {
        // JMH runs in the folder it was started in: the checkout.
        Path root = Path.of("").toAbsolutePath();
        samples = Checkpoints.builtIn()
                .open(root.resolve("samples/vocadito14/wave_22050.npy"))
                .floats("array");
        run = new BasicPitchRun(root, kernels, 1);
    }

    @TearDown
    public void close() {
        run.close();
    }

    @Benchmark
    public List<INDArray> window() {
        return run.window(samples, 1);
    }
}
