package org.luthier.debug;

import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.Model;
import org.luthier.checkpoint.Checkpoints;

/** What a model is run on when it is traced. */
public sealed interface TraceInput {
    /**
     * Sound.
     *
     * @param samples the recording, at the model's sample rate, one channel
     * @param segments which segments to run
     */
    record Samples(float[] samples, List<Integer> segments) implements TraceInput {}

    /**
     * Features, made by whatever front end.
     *
     * @param values row-major [rows, feature shape...]
     * @param segments number of the segment in each row
     */
    record Features(float[] values, List<Integer> segments) implements TraceInput {}

    /**
     * The recorded inputs of a reference: the front end runs on its samples, the network on its features, so that neither sees the
     * other's departures. Where one of the two is missing, what the front end gives goes on, or the front end is left out.
     *
     * @param segments which of the recorded segments to run; null for all
     */
    record Recorded(Reference reference, List<Integer> segments) implements TraceInput {}

    /**
     * Reads inputs from a file: a whole reference, features, or samples at the model's rate ({@code .npy} or one tensor in any other
     * format).
     *
     * @param adapters adapters of the model's family
     * @param segments which segments to run; null for all. Of bare features, the numbers of the rows; null counts from 0
     * @return nothing if the file holds no tensors: it may be an audio file
     * @throws LuthierException if it holds tensors that are no input of this model
     */
    static Optional<TraceInput> read(Path file, Model model, List<URL> adapters, List<Integer> segments) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            Map<String, TensorInfo> tensors = checkpoint.tensors();
            if (ReferenceFormat.isOne(checkpoint) || tensors.size() != 1) {
                return Optional.of(new Recorded(inputs(file, model, adapters), segments));
            }
            TensorInfo only = tensors.values().iterator().next();
            List<Long> features = model.frontend().featureShape();
            int rank = only.shape().size();
            if (rank == 1) {
                float[] samples = checkpoint.floats(only.name());
                return Optional.of(new Samples(samples, segments == null ? all(model, samples) : segments));
            }
            boolean oneRow = only.shape().equals(features);
            if (oneRow
                    || rank == features.size() + 1
                            && only.shape().subList(1, rank).equals(features)) {
                int rows = oneRow ? 1 : Math.toIntExact(only.shape().get(0));
                return Optional.of(new Features(
                        checkpoint.floats(only.name()),
                        segments == null ? IntStream.range(0, rows).boxed().toList() : segments));
            }
            throw new LuthierException(checkpoint.name() + ": expected a reference, features of shape " + features
                    + " (rows first, if several) or samples of one dimension, got " + only.shape());
        } catch (CheckpointException e) {
            if (e.rule().equals("unknown-format")) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The recorded inputs of a reference, read so that the file can be closed. */
    private static Reference inputs(Path file, Model model, List<URL> adapters) {
        try (Reference reference = Reference.open(file, adapters)) {
            List<RecordedTensor> inputs = Stream.of(Tracer.samplesName(model), Tracer.featuresName(model))
                    .filter(reference::has)
                    .map(reference::tensor)
                    .toList();
            if (inputs.isEmpty()) {
                throw Tracer.noInputs(reference, model);
            }
            return Reference.of(reference.title(), reference.header(), inputs);
        }
    }

    /** All segments of a recording. */
    private static List<Integer> all(Model model, float[] samples) {
        return IntStream.range(0, model.frontend().framing().segments(samples.length))
                .boxed()
                .toList();
    }
}
