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
import org.luthier.api.model.TokenModel;
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
     * other's departures; the decoder is fed the recorded ids, and then says as many by itself as were recorded. Where one of the two is
     * missing, what the front end gives goes on, or the front end is left out.
     *
     * @param segments which of the recorded segments to run; null for all
     */
    record Recorded(Reference reference, List<Integer> segments) implements TraceInput {}

    /**
     * Another input, with the ids that the decoder is fed.
     *
     * @param ids [rows][positions], the start id first
     */
    record Forced(TraceInput input, int[][] ids) implements TraceInput {}

    /**
     * Reads ids to feed to a decoder.
     *
     * @return [rows][positions]
     * @throws LuthierException if the file does not hold one tensor of whole numbers, of one or two dimensions
     */
    static int[][] ids(Path file) {
        try (Checkpoint checkpoint = Checkpoints.builtIn().open(file)) {
            String first = checkpoint.tensors().keySet().stream().findFirst().orElse("");
            boolean one = checkpoint.tensors().size() == 1;
            RecordedTensor ids =
                    one ? ReferenceFormat.tensor(checkpoint, first, Tracer.IDS, List.of(), Double.NaN, true) : null;
            if (ids == null
                    || !ids.integers()
                    || ids.shape().isEmpty()
                    || ids.shape().size() > 2) {
                throw new LuthierException(checkpoint.name()
                        + ": beside a recording expected the ids that the decoder is fed, one tensor of whole numbers"
                        + " [positions] or [rows, positions], got "
                        + (ids == null
                                ? checkpoint.tensors().size() + " tensors"
                                : checkpoint.tensors().get(first).dtype() + " " + ids.shape()));
            }
            return TraceSegments.lines(ids);
        }
    }

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
            if (ReferenceFormat.isInteger(only.dtype()) && model instanceof TokenModel) {
                throw new LuthierException(checkpoint.name() + " holds ids for the decoder and nothing for it to listen"
                        + " to: give the recording too, with --audio");
            }
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
            String samples = Tracer.samplesName(model);
            String features = Tracer.featuresName(model);
            if (!reference.has(samples) && !reference.has(features)) {
                throw TraceSegments.noInputs(reference, model);
            }
            List<RecordedTensor> inputs = Stream.of(samples, features, Tracer.IDS, Tracer.TOKENS)
                    .filter(reference::has)
                    .map(reference::tensor)
                    .toList();
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
