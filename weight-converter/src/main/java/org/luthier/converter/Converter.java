package org.luthier.converter;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.MalformedURLException;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.luthier.api.Cancellation;
import org.luthier.api.LuthierException;
import org.luthier.api.Progress;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.api.checkpoint.CheckpointException;
import org.luthier.api.checkpoint.Ledger;
import org.luthier.api.checkpoint.TensorInfo;
import org.luthier.api.model.ModelFamily;
import org.luthier.checkpoint.Checkpoints;
import org.luthier.checkpoint.MappedWeights;
import org.luthier.checkpoint.NameRules;
import org.luthier.checkpoint.SafetensorsWriter;
import org.luthier.checkpoint.T5xFormat;
import org.luthier.files.AtomicFile;
import org.luthier.files.Sha256;

/**
 * Converts a checkpoint to safetensors with the canonical names of its model family, or to a T5X folder or PyTorch file with the names
 * that such files of the family have, and writes the ledger beside it.
 *
 * <p>The same source gives the same bytes: weights are sorted by name, and nothing written holds a path or a date. The metadata of a
 * safetensors file is {@code format} {@value #FORMAT}, {@code family}, {@code source}, {@code sourceSha256}, and what the source tells of
 * {@code step} and {@code hyper_parameters}, without which some models cannot be built. Everything is written whole or not at all. A few weights are in memory at a time.
 */
public final class Converter {
    /** Value of {@code format} in the metadata. */
    public static final String FORMAT = "luthier-weights/1";

    private static final String STEP = "step";
    private static final String HYPER_PARAMETERS = "hyper_parameters";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Checkpoints checkpoints;
    private final List<ModelFamily> families;

    /**
     * @param checkpoints opens the sources
     * @param families whose checkpoints can be converted
     */
    public Converter(Checkpoints checkpoints, List<ModelFamily> families) {
        this.checkpoints = checkpoints;
        this.families = List.copyOf(families);
    }

    /**
     * Where the ledger of a target goes if nothing else is said: {@code x.safetensors.ledger.json}, so that {@code x.pth} beside it has
     * its own.
     */
    public static Path ledgerBeside(Path target) {
        return target.resolveSibling(target.getFileName() + ".ledger.json");
    }

    /**
     * Converts a checkpoint.
     *
     * @param workers threads that make the weights
     * @param progress told in bytes of weights
     * @throws LuthierException if the family is unknown or not certain, it has no names for the format, a tensor is not accounted for or
     *     holds a NaN or an infinity, or a file cannot be read or written
     */
    public Conversion convert(Request request, int workers, Progress progress, Cancellation cancellation) {
        Path target = request.target();
        refuseSame(request.source(), target);
        refuseSame(request.source(), request.ledger());
        refuseSame(target, request.ledger());
        if (request.to() == Target.T5X) {
            AtomicFolder.check(target, request.overwrite(), new T5xFormat()::recognises);
        } else {
            AtomicFile.check(target, request.overwrite());
        }
        AtomicFile.check(request.ledger(), request.overwrite());
        try (Checkpoint checkpoint = checkpoints.open(request.source())) {
            Plan plan = plan(request, checkpoint);
            List<TensorInfo> tensors = plan.weights.tensors().stream()
                    .sorted(Comparator.comparing(TensorInfo::name))
                    .toList();
            Assembly assembly = new Assembly(plan.weights, workers, progress, cancellation);
            String[] sha256 = new String[1];
            // The weights are written while the ledger is still a temporary file: both appear or none does.
            AtomicFile.write(request.ledger(), request.overwrite(), out -> {
                switch (request.to()) {
                    case T5X -> sha256[0] = writeFolder(target, checkpoint, tensors, assembly);
                    default ->
                        AtomicFile.write(target, request.overwrite(), file -> {
                            Sha256Stream summed = new Sha256Stream(file);
                            if (request.to() == Target.TORCH) {
                                writeTorch(summed, checkpoint, plan, tensors, assembly);
                            } else {
                                SafetensorsWriter.writeHeader(summed, metadata(checkpoint, plan), tensors);
                                WritableByteChannel channel = Channels.newChannel(summed);
                                assembly.run(
                                        tensors, (tensor, bytes) -> bytes, (tensor, bytes) -> channel.write(bytes));
                            }
                            // What was dropped is looked at before anything has its name.
                            plan.weights.ledger();
                            sha256[0] = summed.hex();
                        });
                }
                write(
                        out,
                        plan.weights.ledger(),
                        target.getFileName().toString(),
                        sha256[0],
                        warnings(checkpoint, plan));
            });
            return new Conversion(plan.weights.ledger(), target, sha256[0], warnings(checkpoint, plan));
        }
    }

    /**
     * What is done.
     *
     * @param secondNames second names of weights, each with the first
     * @param inside what the weights are under in the file, or null
     */
    private record Plan(MappedWeights weights, String family, Map<String, String> secondNames, String inside) {}

    private Plan plan(Request request, Checkpoint checkpoint) {
        MappedWeights stored = request.rules() == null ? null : ownRules(request.rules(), checkpoint);
        Checkpoint named = stored == null ? checkpoint : stored.asCheckpoint();
        ModelFamily family = request.family() == null ? recognise(named) : named(request.family());
        NameRules rules = NameRules.choose(family.nameRules(), named);
        MappedWeights weights =
                stored == null ? rules.apply(checkpoint, family.id()) : rules.apply(stored, family.id());
        Map<String, String> secondNames = Map.of();
        String inside = null;
        if (request.to() != Target.SAFETENSORS) {
            NameRules names = names(family, request.to());
            weights = names.inverse().apply(weights, family.id());
            secondNames = names.secondNames(
                    weights.tensors().stream().map(TensorInfo::name).collect(Collectors.toSet()));
            inside = names.inside().orElse(null);
        }
        return new Plan(
                request.dtype() == null ? weights : weights.cast(request.dtype()), family.id(), secondNames, inside);
    }

    private static MappedWeights ownRules(Path file, Checkpoint checkpoint) {
        try {
            NameRules rules = NameRules.read(file.toUri().toURL());
            if (!rules.matches(checkpoint)) {
                throw new LuthierException("the name rules " + file + " are not for " + checkpoint.name()
                        + ": what they are recognised by fits none of its tensors");
            }
            return rules.applyToSome(checkpoint);
        } catch (MalformedURLException e) {
            throw new LuthierException("cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** The names that a family's weights have in files of a format. */
    private static NameRules names(ModelFamily family, Target target) {
        List<NameRules> schemes =
                family.nameRules().stream().map(NameRules::read).toList();
        return schemes.stream()
                .filter(rules -> rules.scheme().equals(Optional.of(target.id())))
                .findFirst()
                .orElseThrow(() -> new LuthierException("the family " + family.id() + " has no names for " + target.id()
                        + " files, only for "
                        + schemes.stream()
                                .flatMap(rules -> rules.scheme().stream())
                                .collect(Collectors.joining(", "))));
    }

    private static Map<String, String> metadata(Checkpoint checkpoint, Plan plan) {
        Map<String, String> metadata = new TreeMap<>(Map.of(
                "format",
                FORMAT,
                "family",
                plan.family,
                "source",
                checkpoint.name(),
                "sourceSha256",
                checkpoint.sha256()));
        // A T5X folder that is made of this file says it again.
        Optional.ofNullable(checkpoint.metadata().get(STEP)).ifPresent(step -> metadata.put(STEP, step));
        metadata.putAll(hyperParameters(checkpoint));
        return metadata;
    }

    private static Map<String, String> hyperParameters(Checkpoint checkpoint) {
        Map<String, String> found = new LinkedHashMap<>(checkpoint.metadata());
        found.keySet().removeIf(name -> !name.startsWith(HYPER_PARAMETERS + "."));
        return found;
    }

    private static void writeTorch(
            OutputStream out, Checkpoint checkpoint, Plan plan, List<TensorInfo> tensors, Assembly assembly)
            throws IOException {
        Map<String, String> beside = plan.inside == null ? Map.of() : hyperParameters(checkpoint);
        TorchFile file = new TorchFile(out, tensors, plan.secondNames, plan.inside, beside);
        assembly.run(tensors, (tensor, bytes) -> TorchFile.Storage.of(bytes), (tensor, storage) -> file.add(storage));
        file.finish();
    }

    private String writeFolder(Path target, Checkpoint checkpoint, List<TensorInfo> tensors, Assembly assembly)
            throws IOException {
        String[] sha256 = new String[1];
        AtomicFolder.write(target, folder -> {
            T5xFolder t5x = new T5xFolder(folder);
            assembly.run(tensors, t5x::store, t5x::add);
            t5x.finish(step(checkpoint));
            assembly.ledger();
            try (Checkpoint written = new T5xFormat().open(folder)) {
                sha256[0] = written.sha256();
            }
        });
        return sha256[0];
    }

    /** The training step that a checkpoint tells of, or 0. */
    private static long step(Checkpoint checkpoint) {
        String step = checkpoint.metadata().getOrDefault(STEP, "0");
        return step.matches("\\d{1,9}") ? Long.parseLong(step) : 0;
    }

    private static List<String> warnings(Checkpoint checkpoint, Plan plan) {
        List<String> warnings = new ArrayList<>(checkpoint.warnings());
        warnings.addAll(plan.weights.warnings());
        return List.copyOf(warnings);
    }

    private ModelFamily recognise(Checkpoint checkpoint) {
        List<ModelFamily> found = families.stream()
                .filter(family -> family.recognises(checkpoint))
                .toList();
        if (found.size() != 1) {
            throw new CheckpointException(
                    checkpoint.name(),
                    -1,
                    "unknown-family",
                    (found.isEmpty() ? "no model family recognises it" : "it could be of the families " + ids(found))
                            + "; name one of " + ids(families) + " with --family");
        }
        return found.get(0);
    }

    private ModelFamily named(String id) {
        return families.stream()
                .filter(family -> family.id().equals(id))
                .findFirst()
                .orElseThrow(() ->
                        new LuthierException("there is no model family '" + id + "'; there are: " + ids(families)));
    }

    private static String ids(List<ModelFamily> families) {
        return families.stream().map(ModelFamily::id).collect(Collectors.joining(", "));
    }

    private static void refuseSame(Path one, Path other) {
        try {
            if (one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize())
                    || Files.exists(one) && Files.exists(other) && Files.isSameFile(one, other)) {
                throw new LuthierException("cannot write " + other + ": it is used twice, name another file");
            }
        } catch (IOException e) {
            throw new LuthierException("cannot read " + one + ": " + e.getMessage(), e);
        }
    }

    /** One line an entry, so that two ledgers can be compared line by line. */
    private static void write(
            OutputStream out, Ledger ledger, String target, String targetSha256, List<String> warnings)
            throws IOException {
        ObjectNode head = JSON.createObjectNode();
        head.put("source", ledger.source());
        head.put("sourceSha256", ledger.sourceSha256());
        head.put("family", ledger.family());
        head.put("target", target);
        head.put("targetSha256", targetSha256);
        if (!warnings.isEmpty()) {
            head.set("warnings", JSON.valueToTree(warnings));
        }
        StringBuilder text = new StringBuilder(JSON.writeValueAsString(head));
        text.setLength(text.length() - 1);
        text.append(",\"entries\":[");
        String separator = "\n";
        for (Ledger.Entry entry : ledger.entries()) {
            text.append(separator).append(JSON.writeValueAsString(entry));
            separator = ",\n";
        }
        out.write(text.append("\n]}\n").toString().getBytes(StandardCharsets.UTF_8));
    }

    /** Sums up what goes through. */
    private static final class Sha256Stream extends FilterOutputStream {
        private final Sha256 sha256 = new Sha256();

        Sha256Stream(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            sha256.update(bytes, offset, length);
            out.write(bytes, offset, length);
        }

        String hex() {
            return sha256.hex();
        }
    }
}
