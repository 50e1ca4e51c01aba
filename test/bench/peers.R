# peers.R - trains R's least squares or logistic regression on data already in memory and prints a JSON object.
#
#   Rscript peers.R NAME DATA.f8 COLUMNS REPEAT [skip-fifth]
#
# NAME is "R lm" or "R glm": lm.fit and glm.fit, what lm() and glm() come down to once they have made a matrix of a
# data frame. With skip-fifth every fifth row stays out of the training.
arguments <- commandArgs(trailingOnly = TRUE)
columns <- as.integer(arguments[3])
repeats <- as.integer(arguments[4])

memory_mb <- function(key) {
    line <- grep(paste0("^", key, ":"), readLines("/proc/self/status"), value = TRUE)
    as.numeric(gsub("[^0-9]", "", line)) * 1024 / 1e6
}

path <- arguments[2]
data <- matrix(readBin(path, "double", file.size(path) / 8), nrow = columns + 1)
if (identical(arguments[5], "skip-fifth")) {
    data <- data[, seq_len(ncol(data)) %% 5 != 0]
}
y <- data[1, ]
data[1, ] <- 1
X <- t(data)
rm(data)
fit <- switch(arguments[1],
    "R lm" = function() lm.fit(X, y),
    "R glm" = function() glm.fit(X, y, family = binomial()))

runs <- character(repeats)
for (i in seq_len(repeats)) {
    invisible(gc())
    cat("5", file = "/proc/self/clear_refs")
    base <- memory_mb("VmRSS")
    before <- proc.time()
    coefficients <- fit()$coefficients
    took <- proc.time() - before
    runs[i] <- sprintf("[%.6f, %.6f, %.3f]", took[["elapsed"]], took[["user.self"]] + took[["sys.self"]],
        memory_mb("VmHWM") - base)
}
cat(sprintf('{"runs": [%s], "predict": [], "coefficients": [%s], "data_mb": %.1f}\n',
    paste(runs, collapse = ", "), paste(sprintf("%.17g", coefficients), collapse = ", "),
    (length(X) + length(y)) * 8 / 1e6))
