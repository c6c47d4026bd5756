package org.luthier.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.luthier.api.LuthierException;
import org.luthier.api.checkpoint.Checkpoint;
import org.luthier.files.Reason;

/**
 * The files of a published checkpoint with their checksums, as sha256sum lists them: {@code SHA256SUMS} beside a model's
 * {@code model.json}.
 */
public final class Sha256Sums {
    private static final Pattern LINE = Pattern.compile("([0-9a-f]{64}) [ *](.+)");

    private final Map<String, String> sums;

    private Sha256Sums(Map<String, String> sums) {
        this.sums = sums;
    }

    /**
     * Reads a list.
     *
     * @throws LuthierException if it cannot be read or has another line, or a file twice
     */
    public static Sha256Sums read(Path list) {
        Map<String, String> sums = new TreeMap<>();
        try {
            for (String line : Files.readAllLines(list)) {
                Matcher matcher = LINE.matcher(line);
                if (!matcher.matches() || sums.put(matcher.group(2), matcher.group(1)) != null) {
                    throw new LuthierException(
                            list + ": expected a checksum and a file that was not there before, got '" + line + "'");
                }
            }
        } catch (IOException e) {
            throw new LuthierException("cannot read " + list + ": " + Reason.of(e), e);
        }
        return new Sha256Sums(Collections.unmodifiableMap(sums));
    }

    /** sha256 of each file, by its path with forward slashes, sorted. */
    public Map<String, String> files() {
        return sums;
    }

    /** Whether a checkpoint has any of the files: a conversion of the published one has not, and need not be compared. */
    public boolean concerns(Checkpoint checkpoint) {
        return !Collections.disjoint(sums.keySet(), checkpoint.files().keySet());
    }

    /** What distinguishes a checkpoint from the published one, beginning with the first such file; nothing if it is that one. */
    public Optional<String> difference(Checkpoint checkpoint) {
        Map<String, String> files = checkpoint.files();
        TreeSet<String> all = new TreeSet<>(sums.keySet());
        all.addAll(files.keySet());
        List<String> different = new ArrayList<>();
        for (String file : all) {
            String listed = sums.get(file);
            String found = files.get(file);
            if (listed == null) {
                different.add("'" + file + "' is not among the published files");
            } else if (found == null) {
                different.add("'" + file + "' is missing");
            } else if (!found.equals(listed)) {
                different.add("'" + file + "' has the sha256 " + found + ", published is " + listed);
            }
        }
        if (different.isEmpty()) {
            return Optional.empty();
        }
        String more = different.size() == 1 ? "" : " (and " + (different.size() - 1) + " more files differ)";
        return Optional.of(different.get(0) + more);
    }
}
