package org.luthier.benchmarks;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.model.Execution;
import org.luthier.api.model.FrameModel;
import org.luthier.api.model.Framing;
import org.luthier.api.model.Frontend;
import org.luthier.api.model.ModelDefinition;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.NameRules;
import org.luthier.model.basicpitch.BasicPitchFamily;
import org.luthier.nn.HostFloats;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Basic Pitch from samples to posteriorgrams, its windows spread over workers; no decoding of audio, no notes. */
public final class BasicPitchRun implements AutoCloseable {
    private final FrameModel model;
    private final List<Worker> workers;
    private final ExecutorService threads;

    /**
     * @param root the checkout
     * @param kernels id of the kernels
     * @param workers windows at once
     */
    public BasicPitchRun(Path root, String kernels, int workers) {
        BasicPitchFamily family = new BasicPitchFamily();
        ModelDefinition definition = new ModelDefinition(
                "basic-pitch", "", "basic-pitch", null, null, "", null, Map.of(), "", List.of(), "", "", null);
        try (Checkpoint checkpoint =
                Checkpoints.builtIn().open(root.resolve("models/basic-pitch/basic-pitch.safetensors"))) {
            this.model = (FrameModel) family.load(
                    definition,
                    NameRules.choose(family.nameRules(), checkpoint).apply(checkpoint, family.id()),
                    new Execution("cpu", kernels, workers));
        }
        this.workers = IntStream.range(0, workers).mapToObj(i -> new Worker()).toList();
        this.threads = Executors.newFixedThreadPool(workers);
    }

    private final class Worker {
        private final Frontend.Session frontend = model.frontend().open(1);
        private final FrameModel.Session session = model.open(1);
        private final float[] cut = new float[model.frontend().framing().window()];
        private final INDArray window = Nd4j.create(new float[cut.length], new long[] {1, cut.length}, 'c');

        /** The outputs of one window, [1, frames, bins] each. */
        List<INDArray> run(float[] samples, int segment) {
            Framing framing = model.frontend().framing();
            framing.cut(samples, segment, cut, 0);
            HostFloats.write(cut, window);
            Position at = Position.segments(segment, 1);
            return session.run(
                    frontend.features(window, new int[] {framing.length(samples.length, segment)}, at, Probe.NONE),
                    at,
                    Probe.NONE);
        }

        void close() {
            frontend.close();
            session.close();
            window.close();
        }
    }

    /** One window on the calling thread. */
    public List<INDArray> window(float[] samples, int segment) {
        return workers.get(0).run(samples, segment);
    }

    /** A whole recording: the joined outputs, [frames, bins] each. */
    public float[][] recording(float[] samples) {
        FrameModel.Joining joining = model.joining();
        int frames = joining.frames(samples.length);
        int segments = model.frontend().framing().segments(samples.length);
        float[][] joined = model.layout().outputs().stream()
                .map(output -> new float[frames * output.bins()])
                .toArray(float[][]::new);
        AtomicInteger next = new AtomicInteger();
        List<Future<?>> running = workers.stream()
                .<Future<?>>map(worker -> threads.submit(() -> {
                    for (int segment = next.getAndIncrement(); segment < segments; segment = next.getAndIncrement()) {
                        join(worker.run(samples, segment), segment, frames, joined);
                    }
                }))
                .toList();
        for (Future<?> future : running) {
            try {
                future.get();
            } catch (InterruptedException | ExecutionException e) {
                throw new IllegalStateException(e);
            }
        }
        return joined;
    }

    private void join(List<INDArray> outputs, int segment, int frames, float[][] joined) {
        FrameModel.Joining joining = model.joining();
        int kept = joining.segmentFrames() - 2 * joining.trim();
        int first = Math.min(segment * kept, frames);
        int count = Math.min(kept, frames - first);
        for (int o = 0; o < joined.length; o++) {
            int bins = (int) outputs.get(o).size(2);
            float[] values = HostFloats.copy(outputs.get(o));
            System.arraycopy(values, joining.trim() * bins, joined[o], first * bins, count * bins);
        }
    }

    @Override
    public void close() {
        threads.shutdown();
        workers.forEach(Worker::close);
        model.close();
    }
}
